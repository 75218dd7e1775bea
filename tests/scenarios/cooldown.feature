Feature: A rate limit is kept
  A provider that said "too many requests" is left alone until its time is over, by every llmdesk on this machine.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "The local answer."
    And a key for Ollama's cloud, which has the model gpt-oss:120b

  Scenario: After a restart the cloud is not asked again
    Given Ollama's cloud is rate limited
    When I ask "first"
    Then the answer comes from local/gemma3:4b
    And llmdesk says "failed: cloud: rate limited, next try …"
    When I ask "second"
    Then the answer comes from local/gemma3:4b
    And Ollama's cloud was asked once
    When I open the desk
    Then the desk shows "cloud … cooldown …:…"
    When I ask "third" at the desk
    Then the desk shows "The local answer."
    And Ollama's cloud was asked once

  Scenario: llmdesk says when the cloud is back
    Given Ollama's cloud is rate limited
    When I ask "hello"
    And I run llmdesk providers list --json
    Then the cloud is said to rest for ten minutes from when it refused

  Scenario: When its time is over the cloud is asked again
    Given my configuration is
      """
      version: 1
      providers:
        cloud: {kind: ollama, base_url: "${CLOUD_ADDRESS}", api_key: "${OLLAMA_API_KEY}", cooldown_s: 3}
      """
    And Ollama's cloud is rate limited
    When I ask "first"
    Then the answer comes from local/gemma3:4b
    Given Ollama's cloud is back and says "Here I am again."
    When the cloud's rest is over
    And I ask "second"
    Then the answer is "Here I am again."
    And the answer comes from cloud/gpt-oss:120b

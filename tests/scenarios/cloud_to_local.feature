Feature: From the cloud to this machine
  The cloud is asked first. When it cannot answer, this machine does, and llmdesk says so.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "The local answer."
    And a key for Ollama's cloud, which has the model gpt-oss:120b

  Scenario: The cloud answers
    Given Ollama's cloud says "The cloud's answer."
    When I ask "hello"
    Then the answer is "The cloud's answer."
    And the answer comes from cloud/gpt-oss:120b
    And the local Ollama was never asked

  Scenario: The cloud is overloaded
    Given Ollama's cloud is overloaded
    When I ask "hello"
    Then the answer is "The local answer."
    And the answer comes from local/gemma3:4b
    And Ollama's cloud was asked three times
    And llmdesk says "failed: cloud: server error 503"
    And llmdesk says "failover: answering with gemma3:4b (local)"

  Scenario: The cloud breaks off in the middle of its answer
    Given Ollama's cloud breaks off after "Half of the cloud's answer"
    When I ask "hello"
    Then the answer is "The local answer."
    And llmdesk says "failed: cloud: answer cut off after 26 characters."

  Scenario: The desk shows where the answer came from, and why
    Given Ollama's cloud is rate limited
    When I open the desk
    And I ask "hello" at the desk
    Then the desk shows "⤷ cloud: rate limited, next try … → answering with gemma3:4b (local)"
    And the desk shows "The local answer."
    And the desk shows "local · gemma3:4b · …✔ full"
    When I press f6
    Then the desk shows "cloud/gpt-oss:120b … local/gemma3:4b … rate limited"

  Scenario: Whoever wants to be asked first is asked first
    Given my configuration is
      """
      version: 1
      providers:
        cloud: {kind: ollama, base_url: "${CLOUD_ADDRESS}", api_key: "${OLLAMA_API_KEY}"}
      lanes:
        chat: {targets: [cloud/gpt-oss:120b, local/gemma3:4b], failover: ask}
      """
    And Ollama's cloud is rate limited
    When I open the desk
    And I ask "hello" at the desk
    Then the desk shows "cloud/gpt-oss:120b: rate limited. Ask local/gemma3:4b instead?"
    And the local Ollama was never asked
    When I press alt+y
    Then the desk shows "The local answer."

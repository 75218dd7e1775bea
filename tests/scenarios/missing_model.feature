Feature: A model that is not there
  A missing model is named, with the command that gets it. Another one in the lane answers meanwhile.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "I am still here."
    And the model qwen3:8b can be pulled

  Scenario: The next model of the lane answers
    Given my configuration is
      """
      version: 1
      lanes:
        chat: {targets: [local/qwen3:8b, local/gemma3:4b]}
      """
    When I ask "hello"
    Then the answer is "I am still here."
    And the answer comes from local/gemma3:4b
    And llmdesk says "failed: local: model qwen3:8b is not available. Run: ollama pull qwen3:8b"
    And llmdesk says "failover: answering with gemma3:4b (local)"

  Scenario: It was the only one; it is pulled, and the prompt gets its answer
    Given my configuration is
      """
      version: 1
      lanes:
        chat: {targets: [local/qwen3:8b]}
      """
    When I ask "hello"
    Then the exit code is 5
    And llmdesk says "paused: local: model qwen3:8b is not available. … Kept in the outbox as …"
    When I run llmdesk models pull qwen3:8b
    Then the exit code is 0
    And llmdesk says "Pulled local/qwen3:8b."
    When I run llmdesk outbox retry --json
    Then the answer is "I am still here."
    And the answer comes from local/qwen3:8b

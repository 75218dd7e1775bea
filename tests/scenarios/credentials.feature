Feature: Keys are never shown
  A key goes to its own provider and to nowhere else: no screen, no file, no log, whatever a server does with it.

  Scenario Outline: A server says my key back, in an answer and in an error
    Given my key canary-7f3a9c51e8d24b60 is in <place>
    And my configuration is
      """
      version: 1
      providers:
        cloud: null
        local: null
        vault: {kind: ollama, base_url: "${VAULT_ADDRESS}", api_key: "<written>", retry: {attempts: 1}}
      lanes:
        chat: {targets: [vault/gemma3:4b]}
      """
    When I ask "What is my key?"
    Then the answer is "Your key is ***."
    And my key was sent to its server
    When the server takes my key no longer
    And I ask "Why not?"
    Then the exit code is 5
    And llmdesk says "failed: vault: key rejected (401)"
    When I run llmdesk config show
    And I run llmdesk providers check --json
    And I run llmdesk doctor
    And I run llmdesk outbox list --json
    And I open the desk
    And I ask "Still not?" at the desk
    Then the desk shows "vault: key rejected (401)"
    When I leave the desk
    Then my key was never shown and is in no file

    Examples:
      | place                        | written                 |
      | the variable VAULT_KEY       | ${VAULT_KEY}            |
      | what "pass show vault" prints | $(pass show vault)      |
      | the configuration itself     | canary-7f3a9c51e8d24b60 |

  Scenario: A key goes to its own provider only
    Given an Ollama on this machine with the model gemma3:4b
    And a key for Ollama's cloud, which has the model gpt-oss:120b
    And Ollama's cloud is rate limited
    When I ask "hello"
    Then the answer comes from local/gemma3:4b
    And Ollama's cloud got its key
    And the local Ollama got no key

Feature: Faults in the configuration
  Each fault is named with its place and a remedy, all of them at once, and nothing is sent before they are mended.

  Background:
    Given an Ollama on this machine with the model gemma3:4b

  Scenario Outline: A fault has a line, a name and a remedy
    Given my configuration is
      """
      version: 1
      default_lane: chat
      <line>
      """
    When I run llmdesk config validate
    Then the exit code is 2
    And llmdesk prints "config/llmdesk.yaml:3:<column>: <fault>"
    When I ask "hello"
    Then the exit code is 2
    And llmdesk says "config/llmdesk.yaml:3:<column>: <fault>"
    And nobody was asked anything

    Examples:
      | line                                                      | column | fault                                                                          |
      | lanes: {chat: {targets: [local/gemma3:4b], failovr: ask}} | 44     | lanes.chat.failovr: unknown key 'failovr'; did you mean 'failover'?            |
      | lanes: {chat: {targets: [locl/gemma3:4b]}}                | 26     | lanes.chat.targets[0]: there is no provider 'locl'; did you mean 'local'?      |
      | lanes: {chat: {targets: ["lane:chat"]}}                   | 26     | lanes.chat.targets[0]: lanes in a circle: chat -> chat                         |
      | default_lane: critic                                      | 1      | duplicate key 'default_lane' (first in line 2)                                 |
      | budgets: [{scope: day, limit_usd: -1}]                    | 35     | budgets[0].limit_usd: must be at least 0 US dollars                            |
      | providers: {vault: {kind: ollama, api_key: ${VAULT_KEY}}} | 45     | inside { } or [ ] a ${...} must be in quotes: "${NAME}"                        |

  Scenario: All faults at once
    Given my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, colour: red}
      lanes:
        chat: {targets: [local/gemma3:4b], failover: perhaps}
      budgets:
        - {scope: day, limit_usd: -2}
      """
    When I ask "hello"
    Then the exit code is 2
    And llmdesk says "llmdesk.yaml:3:26: providers.openai.colour: unknown key 'colour'"
    And llmdesk says "llmdesk.yaml:5:48: lanes.chat.failover: must be one of auto, ask, never"
    And llmdesk says "llmdesk.yaml:7:29: budgets[0].limit_usd: must be at least 0 US dollars"

  Scenario: A missing key turns its provider off, and nothing else
    Given the local Ollama says "I need no key."
    And my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, api_key: "${OPENAI_API_KEY}"}
      lanes:
        chat: {targets: [openai/gpt-5-mini, local/gemma3:4b]}
      """
    When I ask "hello"
    Then the answer is "I need no key."
    And llmdesk says "note: provider openai is disabled: $OPENAI_API_KEY is not set"

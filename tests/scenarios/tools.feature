Feature: Command-line tools as providers
  Any program that takes a prompt and prints an answer can be a provider: some YAML, no code.

  Scenario: A tool that llmdesk has never heard of
    Given a program parrot that repeats its prompt
    And my configuration is
      """
      version: 1
      providers:
        parrot:
          kind: command
          command: [parrot, --model, "{model}"]
          output: {json: "$.said[0].text", usage: {input_tokens: $.in, output_tokens: $.out}}
          models: {grey: african-grey}
      lanes:
        chat: {targets: [parrot/grey]}
      """
    When I run llmdesk config validate
    Then the exit code is 0
    When I ask "Is it $(date); or `date`?"
    Then the answer is "african-grey says: Is it $(date); or `date`?"
    And the answer comes from parrot/african-grey
    When I run llmdesk stats --json
    Then llmdesk prints these rows
      | provider | model        | answers | input_tokens | output_tokens | cost_usd |
      | parrot   | african-grey | 1       | 2            | 3             | 0        |

  Scenario: A tool whose limit is used up rests, and the next one answers
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "I know no limit."
    And a program tired that fails with "usage limit reached, try again in 5m"
    And my configuration is
      """
      version: 1
      providers:
        tired: {kind: command, command: [tired], limits: {quota: ["usage limit"]}}
      lanes:
        chat: {targets: [tired/default, local/gemma3:4b]}
      """
    When I ask "hello"
    Then the answer is "I know no limit."
    And llmdesk says "failed: tired: limit of the plan reached: usage limit reached, try again in 5m, next try …"
    When I ask "hello again"
    Then the answer is "I know no limit."
    And the program tired ran once

  Scenario: A tool that is not installed
    Given my configuration is
      """
      version: 1
      providers:
        gone: {kind: command, command: [no-such-tool], install: apt install no-such-tool}
      lanes:
        chat: {targets: [gone/default]}
      """
    When I ask "hello"
    Then the exit code is 5
    And llmdesk says "no-such-tool is not on the PATH. Install it: apt install no-such-tool"

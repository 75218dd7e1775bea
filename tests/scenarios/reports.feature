Feature: The report for the month
  What was used, what it cost, and what answers for nothing saved; for people, for spreadsheets and for programs.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And a key for OpenAI
    And OpenAI always answers "For money.", 2000 tokens in and 500 out
    And my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, base_url: "${OPENAI_ADDRESS}/v1", api_key: "${OPENAI_API_KEY}"}
      lanes:
        chat:    {targets: [local/gemma3:4b, openai/gpt-5-mini]}
        codegen: {targets: [openai/gpt-5-mini]}
      agents:
        writer: {lane: codegen}
      models:
        openai/gpt-5-mini: {price: {input_usd_per_mtok: 1, output_usd_per_mtok: 10}}
      """
    When I run these commands
      """
      llmdesk exec "a secret question"
      llmdesk exec --lane codegen "a secret program"
      llmdesk exec --agent writer "another secret program"
      """

  Scenario: Who was asked, and what it cost
    When I run llmdesk stats --period month
    Then llmdesk says "…-01 to …, by model"
    And llmdesk prints "openai/gpt-5-mini 2 2 … 0.014"
    And llmdesk prints "local/gemma3:4b 1 1 … 0.000 0.000062"
    When I run llmdesk stats --period month --json
    Then llmdesk prints these rows
      | provider | model      | attempts | answers | input_tokens | output_tokens | cost_usd | saved_usd |
      | openai   | gpt-5-mini | 2        | 2       | 4000         | 1000          | 0.014    | 0         |
      | local    | gemma3:4b  | 1        | 1       | 12           | 5             | 0        | 0.000062  |
    And the report covers this month until today

  Scenario: The same for a spreadsheet, by agent
    When I run these commands
      """
      llmdesk stats --period month --by agent --format csv > month.csv
      """
    Then the table month.csv has these rows
      | agent  | attempts | cost_usd |
      |        | 2        | 0.007    |
      | writer | 1        | 0.007    |

  Scenario: Every attempt as a row, and no word of what was asked
    When I run these commands
      """
      llmdesk metrics export > attempts.csv
      """
    Then the table attempts.csv has these rows
      | lane    | agent  | provider | model      | outcome   | input_tokens | cost_usd |
      | chat    |        | local    | gemma3:4b  | completed | 12           | 0        |
      | codegen |        | openai   | gpt-5-mini | completed | 2000         | 0.007    |
      | codegen | writer | openai   | gpt-5-mini | completed | 2000         | 0.007    |
    And the file attempts.csv does not say "secret"

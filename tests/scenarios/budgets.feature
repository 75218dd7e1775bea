Feature: Budgets hold
  A soft budget warns. A hard one says no before anything is sent, or lets only what is free go on.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "For nothing."
    And a key for OpenAI
    And OpenAI always answers "For money.", 100 tokens in and 900 out

  Scenario: A soft budget warns and answers
    Given my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, base_url: "${OPENAI_ADDRESS}/v1", api_key: "${OPENAI_API_KEY}"}
      lanes:
        chat: {targets: [openai/gpt-5-mini]}
      models:
        openai/gpt-5-mini: {price: {input_usd_per_mtok: 1, output_usd_per_mtok: 10}}
      budgets:
        - {scope: month, limit_usd: 0.01, kind: soft}
      """
    When I ask "first"
    Then the answer is "For money."
    And llmdesk says "Month budget: 0.0091 USD of 0.01 USD spent"
    When I ask "second"
    Then the answer is "For money."
    And llmdesk says "Month budget: 0.0182 USD spent, the limit is 0.01 USD."
    And OpenAI was asked twice

  Scenario: A hard budget blocks before anything is sent
    Given my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, base_url: "${OPENAI_ADDRESS}/v1", api_key: "${OPENAI_API_KEY}"}
      lanes:
        chat: {targets: [openai/gpt-5-mini], params: {max_output_tokens: 900}}
      models:
        openai/gpt-5-mini: {price: {input_usd_per_mtok: 1, output_usd_per_mtok: 10}}
      budgets:
        - {scope: month, limit_usd: 0.01, kind: hard}
      """
    When I ask "first"
    Then the answer is "For money."
    When I ask "second"
    Then the exit code is 3
    And llmdesk says "blocked: Month budget 0.01 USD: …"
    And llmdesk says "advice: Raise limit_usd of the month budget"
    And OpenAI was asked once
    When I run llmdesk budgets --json
    Then llmdesk prints these rows
      | scope | kind | unit | limit | spent  | reserved | left   |
      | month | hard | usd  | 0.01  | 0.0091 | 0        | 0.0009 |

  Scenario: A hard budget that lets what is free go on
    Given my configuration is
      """
      version: 1
      providers:
        openai: {kind: openai, base_url: "${OPENAI_ADDRESS}/v1", api_key: "${OPENAI_API_KEY}"}
      lanes:
        chat: {targets: [openai/gpt-5-mini, local/gemma3:4b], params: {max_output_tokens: 900}}
      models:
        openai/gpt-5-mini: {price: {input_usd_per_mtok: 1, output_usd_per_mtok: 10}}
      budgets:
        - {scope: month, limit_usd: 0.01, kind: hard, when_exhausted: free}
      """
    When I ask "first"
    Then the answer is "For money."
    When I ask "second"
    Then the answer is "For nothing."
    And the answer comes from local/gemma3:4b
    And llmdesk says "failover: Month budget 0.01 USD"
    And OpenAI was asked once

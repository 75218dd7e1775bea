Feature: A job of four stages
  Clarify, plan, write, review: each stage is a lane with providers of its own, and the job adds up what it cost.

  Scenario: A program is written in four stages
    Given an Ollama on this machine with the model gemma3:4b
    And a key for Claude
    And a key for OpenAI
    And my configuration is
      """
      version: 1
      providers:
        claude: {kind: anthropic, base_url: "${CLAUDE_ADDRESS}", api_key: "${ANTHROPIC_API_KEY}"}
        openai: {kind: openai, base_url: "${OPENAI_ADDRESS}/v1", api_key: "${OPENAI_API_KEY}"}
      lanes:
        clarifier: {targets: [local/largest, openai/gpt-5-mini]}
        planner:   {targets: [claude/claude-sonnet-5-5, openai/gpt-5-mini]}
        codegen:   {targets: [claude/claude-sonnet-5-5], failover: never, schema: "builtin:codegen"}
        reviewer:  {targets: [openai/gpt-5-mini, "lane:clarifier"]}
      models:
        claude/claude-sonnet-5-5: {price: {input_usd_per_mtok: 3, output_usd_per_mtok: 15}}
        openai/gpt-5-mini: {price: {input_usd_per_mtok: 0.25, output_usd_per_mtok: 2}}
      budgets:
        - {scope: job, limit_usd: 0.50, kind: hard}
      """
    And the local Ollama says "Taken or copied?"
    And Claude answers "Read the date, then rename.", 1000 tokens in and 100 out
    And Claude answers "{"files": [{"path": "rename.py", "content": "import os"}], "notes": ""}", 2000 tokens in and 400 out
    And OpenAI always answers "It does.", 4000 tokens in and 50 out
    When I run these commands
      """
      llmdesk exec "A question of no job"
      echo "Rename photos by their day." > task.md
      llmdesk exec --lane clarifier --job photos-17 - < task.md > questions.md
      cat task.md questions.md | llmdesk exec --lane planner --job photos-17 - > plan.md
      llmdesk exec --lane codegen --job photos-17 --file plan.md - < task.md > files.json
      llmdesk exec --lane reviewer --job photos-17 --file plan.md --file files.json "Does it?" > review.md
      """
    Then Claude was told "Taken or copied?"
    And Claude was told "Read the date, then rename."
    And OpenAI was told "import os"
    And the file review.md says "It does."
    When I run llmdesk metrics summary --job photos-17 --by lane,provider --json
    Then llmdesk prints these rows
      | lane      | provider | attempts | success_rate | cost_usd |
      | clarifier | local    | 1        | 1.0          | 0        |
      | codegen   | claude   | 1        | 1.0          | 0.012    |
      | planner   | claude   | 1        | 1.0          | 0.0045   |
      | reviewer  | openai   | 1        | 1.0          | 0.0011   |
    When I run llmdesk stats --by job --json
    Then llmdesk prints these rows
      | job       | attempts | answers | failed | failovers | cost_usd |
      | photos-17 | 4        | 4       | 0      | 0         | 0.0176   |
      |           | 1        | 1       | 0      | 0         | 0        |
    When I run llmdesk budgets --json
    Then llmdesk prints these rows
      | scope | period    | kind | limit | spent  | left   |
      | job   | photos-17 | hard | 0.5   | 0.0176 | 0.4824 |

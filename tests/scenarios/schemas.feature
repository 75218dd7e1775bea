Feature: Answers with a shape
  A lane may ask for JSON of a shape. It gets that, or a failure that says what is wrong; never something in between.

  Background:
    Given an Ollama on this machine with the model gemma3:4b
    And my configuration is
      """
      version: 1
      lanes:
        codegen: {targets: [local/gemma3:4b], schema: person.json, schema_repairs: 1}
      """
    And the file person.json beside it is
      """
      {"type": "object", "additionalProperties": false, "required": ["name", "age"],
       "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
      """

  Scenario: The answer has the shape
    Given the local Ollama says "{"name": "Ada", "age": 36}"
    When I run llmdesk exec --lane codegen "Invent a person"
    Then the exit code is 0
    And llmdesk prints the JSON {"name": "Ada", "age": 36}
    And the local Ollama was asked once

  Scenario: The model mends an answer that misses
    Given the local Ollama says at first "{"name": "Ada", "age": "young"}"
    And the local Ollama then says "{"name": "Ada", "age": 36}"
    When I run llmdesk exec --lane codegen "Invent a person"
    Then the exit code is 0
    And llmdesk prints the JSON {"name": "Ada", "age": 36}
    And the local Ollama was asked twice
    And the local Ollama was told "$.age is string, not integer"

  Scenario: An answer that never gets the shape is no answer
    Given the local Ollama says "I would rather chat."
    When I run llmdesk exec --lane codegen "Invent a person"
    Then the exit code is 4
    And llmdesk prints nothing
    And llmdesk says "failed: codegen: the answer does not match person.json: …"
    And the local Ollama was asked twice

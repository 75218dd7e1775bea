Feature: Nothing is lost
  A prompt is on disk before it is sent. Whatever happens then, it waits in the outbox until it has its answer.

  Background:
    Given an Ollama on this machine with the model gemma3:4b

  Scenario: The desk is killed in the middle of an answer
    Given the local Ollama is slow to answer "a long story": it begins "Once upon a time"
    When I open the desk
    And I ask "Tell me a long story" at the desk
    Then the desk shows "Once upon a time"
    When the desk is killed
    And I open the desk
    Then the desk shows "1 paused request in the outbox: f7"
    When I press f7
    Then the desk shows "interrupted: the program was ended … Tell me a long story"
    When the answer to "a long story" goes on with " there was a desk."
    And I press t
    Then the desk shows "Once upon a time there was a desk."
    And the desk shows "local · gemma3:4b · … · free … ✔ full"
    When I leave the desk
    And I run llmdesk outbox list --json
    Then llmdesk prints nothing

  Scenario: A command is killed in the middle of its answer
    Given the local Ollama is slow to answer "a long story": it begins "Once upon a time"
    When I kill the command that asks "Tell me a long story" after "Once upon a time"
    And I run llmdesk outbox list --json
    Then llmdesk prints these rows
      | lane | prompt               | reason                             |
      | chat | Tell me a long story | interrupted: the program was ended |
    When the answer to "a long story" goes on with " there was a command."
    And I run llmdesk outbox retry --json
    Then the answer is "Once upon a time there was a command."

  Scenario: Nobody can answer now, and somebody can later
    Given the local Ollama has too little memory
    When I ask "keep this"
    Then the exit code is 5
    And llmdesk says "paused: … Kept in the outbox as …"
    Given the local Ollama says "Here you are."
    When I run llmdesk outbox retry --json
    Then the answer is "Here you are."
    When I run llmdesk outbox list --json
    Then llmdesk prints nothing

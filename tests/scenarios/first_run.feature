Feature: The first run
  Without a file, a key or a word of setup, llmdesk says what it found and what to do next.

  Scenario: Ollama runs on this machine
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama says "Good morning to you."
    When I open the desk
    Then the desk shows "local: answers, 1 model."
    When I ask "hello" at the desk
    Then the desk shows "Good morning to you."
    And the desk shows "local · gemma3:4b · … · free … ✔ full"
    And no configuration was written

  Scenario: Ollama runs, but has no model yet
    Given an Ollama on this machine without any model
    When I open the desk
    Then the desk shows "Nobody can answer yet"
    And the desk shows "local: Ollama is running, but it has no model."
    And the desk shows "ollama pull gemma3:4b"

  Scenario: Nothing is there, and the prompt is kept
    When I open the desk
    Then the desk shows "Nobody can answer yet"
    And the desk shows "cloud: no key: set OLLAMA_API_KEY"
    And the desk shows "local: connection refused at …. Start it with: ollama serve"
    And the desk shows "llmdesk demo"
    When I ask "Will this be lost?" at the desk
    Then the desk shows "The prompt waits in the outbox (f7) as …; nothing is lost."
    When I leave the desk
    And I run llmdesk outbox list
    Then llmdesk prints "Will this be lost?"

  Scenario: The demo answers where nothing is there
    When I run llmdesk exec --demo hello
    Then the exit code is 0
    And llmdesk says "DEMO: a simulated cloud and local Ollama answer; nothing is kept."
    And llmdesk prints "Hello from the demo"
    And the demo kept nothing

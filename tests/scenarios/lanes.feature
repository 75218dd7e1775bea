Feature: Lanes side by side
  Each lane is a desk of its own: an answer goes on in one while another one is asked.

  Scenario: Two lanes answer at once
    Given an Ollama on this machine with the model gemma3:4b
    And the local Ollama is slow to answer "a long story": it begins "Once upon a time"
    And the local Ollama is slow to answer "a short one": it begins "The end"
    When I open the desk
    And I ask "Tell me a long story" at the desk
    Then the desk shows "Once upon a time"
    When I press alt+2
    Then the desk shows "─ 2 codegen ─"
    And the desk no longer shows "Once upon a time"
    When I ask "Tell me a short one" at the desk
    Then the desk shows "The end"
    And lanes chat and codegen are answering
    When the answer to "a short one" goes on with " of the short one."
    Then the desk shows "The end of the short one."
    And only lane chat is answering
    When the answer to "a long story" goes on with " there were two lanes."
    Then lane chat has its answer
    And the desk no longer shows "Once upon a time"
    When I press alt+1
    Then the desk shows "Once upon a time there were two lanes."
    And the desk no longer shows "of the short one"

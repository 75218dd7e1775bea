"""Kind ``openai``: any endpoint that speaks the OpenAI chat format."""

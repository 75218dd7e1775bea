"""Kind ``ollama``: Ollama's own interface, on this machine, in the house, or at ollama.com."""

"""Kind ``anthropic``: Anthropic's messages."""

"""Kind ``command``: any program on this machine that answers prompts."""

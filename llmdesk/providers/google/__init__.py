"""Kind ``google``: Gemini's ``generateContent``."""

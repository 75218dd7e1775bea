"""Widgets, one a file: attributes down, messages up; they know Textual and the core values only."""

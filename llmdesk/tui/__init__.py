"""The desk on the screen; the only package that knows Textual."""

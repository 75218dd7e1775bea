"""Full-screen faces of the desk: the chat and the panels; they know the desk, widgets do not."""

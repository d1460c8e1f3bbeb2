"""The port itself: its socket, its connections, and how others find it."""

"""The local port in the window: its page, its sign, and its token."""

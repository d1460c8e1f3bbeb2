"""Which models there are, whether each can be used, and with which library."""

"""The chat: its view models, the virtual view, and the widgets of messages."""

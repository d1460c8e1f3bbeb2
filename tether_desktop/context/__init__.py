"""Context: remembers conversations."""

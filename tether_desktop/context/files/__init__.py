"""Conversations as files: written, and read from our own exports and those of others."""

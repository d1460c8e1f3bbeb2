"""Keeps engines loaded within memory, and lends each to one turn at a time."""

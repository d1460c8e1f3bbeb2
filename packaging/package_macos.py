"""Builds what is handed out for macOS, on macOS: an application of each edition, signed where a key is there, in a dmg."""

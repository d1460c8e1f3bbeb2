"""Builds what is handed out for macOS, on macOS: an application of each edition in a dmg, signed where there is a key."""

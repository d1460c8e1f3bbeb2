"""Markdown: parsed, highlighted, and kept up to date in documents while it streams."""

"""What a model may call with the person's permission: built-in tools, one's own, and those of MCP servers."""

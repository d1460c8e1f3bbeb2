"""MCP servers: other people's programs that bring tools, started and asked only as far as the person allowed."""

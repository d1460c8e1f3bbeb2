"""Tools in the window: cards of calls, and the pages of tools and MCP servers."""

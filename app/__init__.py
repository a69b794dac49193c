"""a2a-mcp: a fleet of Model Context Protocol servers."""

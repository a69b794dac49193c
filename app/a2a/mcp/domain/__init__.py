"""What the servers know: pure logic without web, MCP or environment."""

"""The agent-to-agent namespace; the fleet lives in `mcp`."""

"""Live resources: whose they are, and how their logs are read."""

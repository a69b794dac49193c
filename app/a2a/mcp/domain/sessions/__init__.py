"""Application sessions: short-lived, narrower tokens that are given out, asked about and ended."""

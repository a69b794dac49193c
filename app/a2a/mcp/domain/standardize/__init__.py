"""Values, records and schemas in one canonical form: pure functions that never guess silently."""

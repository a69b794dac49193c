"""The fleet: `core` is how a server lives, `domain` what it knows, `servers` the menus."""

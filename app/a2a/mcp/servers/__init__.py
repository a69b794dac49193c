"""The menus, one file a server, found by name through service_registry.json."""

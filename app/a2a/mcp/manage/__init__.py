"""What the command line does, by noun: the fleet of this host, its processes, units, health, logs and credentials."""

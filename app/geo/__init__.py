"""Places: where an IP address is.

Reads a MaxMind-format database, where one is configured; without it nothing is guessed. Imports domain alone."""

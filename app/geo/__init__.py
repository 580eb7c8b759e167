"""Where an IP address is located.

Reads a MaxMind-format database, where one is configured; without it nothing is guessed. Imports domain alone."""

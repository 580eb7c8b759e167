"""The location of an IP address, from a database in the format of MaxMind.

Decides what is known of a location; without a database nothing is guessed. Imports domain only."""

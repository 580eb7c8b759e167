"""Finds the location of an IP address in a database in the MaxMind format.

Decides which data of the database become a location. Imports domain only."""

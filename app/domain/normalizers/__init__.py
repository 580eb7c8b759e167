"""Functions that turn the profile from an identity provider into Claims: one file for each format.

Decides what the fields of a raw profile mean. registry.py has a line for each strategy. Imports domain only."""

"""Functions that turn the payload of an identity provider into Claims: one file for each payload format.

Decides what the fields of a payload mean. registry.py has a line for each strategy. Imports domain only."""

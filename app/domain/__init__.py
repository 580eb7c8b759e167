"""The data and the rules of the service: dataclasses, attribute tables, filters and pure functions.

Decides which values are valid and what a change does. Imports no framework, and does no input or output."""

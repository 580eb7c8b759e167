"""What exists: dataclasses, attribute tables, filters and pure rules.

Decides which values are valid and what a change does. Imports settings at most: no framework, no I/O."""

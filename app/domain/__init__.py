"""What there is: dataclasses, the attribute table, pure rules.

Decides what a value may be and what a change comes to. Imports settings at most: no framework, no I/O."""

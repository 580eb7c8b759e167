"""Who may what: pure functions of a principal, an object and a change.

Decides, and says why not. Imports domain only: no framework, no I/O."""

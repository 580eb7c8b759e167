"""Who may do what: pure functions of a principal, an object and a change.

Decides whether an action is allowed, and gives the reason if not. Imports domain only: no framework, no I/O."""

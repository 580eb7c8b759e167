"""Authorization: pure functions of a principal, an object and a change.

Decides whether an action is allowed, and why not. Imports domain only: no framework, no I/O."""

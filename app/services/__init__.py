"""Use cases: the one place where may, what and where meet.

Decides in which order a thing happens. Imports policy, store and domain."""

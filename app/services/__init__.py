"""Use cases: the only package that combines authorization, rules and storage.

Decides the order of steps in each use case. Imports policy, store, mail, geo and domain."""

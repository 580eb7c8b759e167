"""The use cases: authorization, rules and storage meet here and nowhere else.

Decides the order of steps in each use case. Imports policy, store, mail, geo and domain."""

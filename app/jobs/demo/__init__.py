"""The demo data: a tenant with connections, roles, users, and what belongs to John Doe.

Decides what a visitor of the demo finds. Imports the store and domain; not services."""

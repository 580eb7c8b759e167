"""The demo data: a tenant with connections, roles and users, and the devices, grants and history of John Doe.

Decides what a visitor of the demo finds. Imports the store and domain; not services."""

"""The types that clients read, one file for each noun.

Decides names, nullability and what a field costs; the attribute tables decide who reads it. Imports what the schema
shares, services and below; not queries and mutations."""

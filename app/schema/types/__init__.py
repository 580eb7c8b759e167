"""The GraphQL types that clients read, one file for each noun.

Decides names, nullability and costs of fields. Imports the shared modules of the schema, services and below; not
queries and mutations. The attribute tables of the domain decide who may read a field."""

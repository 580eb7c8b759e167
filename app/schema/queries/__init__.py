"""The fields of Query, one file for each noun.

Decides the arguments and which use case answers a field. Imports types, the shared modules of the schema, services
and below; not mutations."""

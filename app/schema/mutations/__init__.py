"""The fields of Mutation, one file for each noun, with their inputs and payloads.

Decides the inputs, which use case runs, and the payloads. Imports types, the shared modules of the schema, services
and below; not queries."""

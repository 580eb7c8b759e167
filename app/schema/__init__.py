"""The shape that clients see: the GraphQL schema and how an operation is run.

Decides names, nullability and selection, nothing about rights. Imports services and below;
not its siblings auth and jobs."""

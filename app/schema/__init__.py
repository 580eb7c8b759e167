"""The shape that clients see: the GraphQL schema.

Decides names, nullability and which use case answers a field, nothing about rights. Imports services and below;
not its siblings engine, auth and jobs."""

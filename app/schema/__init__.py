"""The GraphQL schema.

Decides names, nullability and which use case answers a field; nothing about authorization. Imports services and below,
but not its siblings engine, auth and jobs."""

"""Running an operation: documents, limits and cost, selection, execution.

Knows GraphQL and nothing about profiles. Imports domain;
not its siblings auth, schema and jobs, nor services, policy and store."""

"""Running an operation: documents, limits and cost, selection, execution. Knows GraphQL, but nothing about profiles.

Decides which operations run, and in which bounds. Imports domain only."""

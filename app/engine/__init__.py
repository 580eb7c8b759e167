"""Runs GraphQL operations: documents, limits and cost, selection, execution. Knows nothing about profiles.

Decides which operations run, and within which limits. Imports domain only."""

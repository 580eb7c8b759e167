"""The profile service: a GraphQL API for user profiles on MongoDB."""

"""Profile API: a GraphQL service that stores user profiles in MongoDB."""

"""Who is calling: turns a bearer token into a Principal.

Decides which tokens are valid. Imports services and below; not its siblings schema, engine and jobs."""

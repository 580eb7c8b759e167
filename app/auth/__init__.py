"""Authentication: turns a bearer token into a Principal, which describes the caller.

Decides which tokens are valid. Imports services and below; not its siblings schema, engine and jobs."""

"""Who is calling: a bearer token becomes a Principal.

Decides which tokens are good. Imports services, store, domain and settings; not its siblings schema and jobs."""

"""Background jobs, and the demo data.

Decides what runs at the start and in the background. Imports services and below, but not auth, schema and engine."""

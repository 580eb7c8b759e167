"""Background work, and the demo data.

Decides what runs at start and beside requests. Imports services and below; not its siblings auth, schema and engine."""

"""Work that no request waits for.

Decides what is done at start and in the background. Imports services and below; not its siblings auth and schema."""

"""The authorization matrix: every field and mutation, for every scope, as each kind of caller."""

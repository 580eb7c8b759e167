"""The mutations with their inputs and payloads, one file for each noun.

Decides arguments and which use case runs. Imports types, what the schema shares, services and below; not queries."""

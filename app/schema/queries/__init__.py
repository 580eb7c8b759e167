"""The fields of Query, one file for each noun.

Decides arguments and which use case answers them. Imports types, what the schema shares, services and below; not
mutations."""

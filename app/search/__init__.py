"""Search: the language of queries, and the typed filter.

Decides which filter a query means, and which queries are refused. Imports domain only: no framework, no I/O."""

"""HTTP: reads requests, and writes answers and web pages.

Decides media types, status codes, headers and pages. Imports auth, schema, engine and the layers below."""

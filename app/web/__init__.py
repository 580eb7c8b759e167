"""HTTP: from bytes to a request, and from an answer to bytes.

Decides media types, status codes, headers and pages. Imports auth, schema, engine and below."""

"""HTTP: what arrives as bytes and leaves as bytes.

Decides media types, status codes and headers. Imports auth, schema and below."""

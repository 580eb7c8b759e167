"""From the payload of an identity provider to Claims: one file for each provider, and one line in registry.py.

Decides what a provider's claims mean. Imports domain only; the functions are pure."""

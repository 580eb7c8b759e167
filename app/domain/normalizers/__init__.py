"""Normalizers: what an identity provider sends becomes Claims, one file a provider.

Pure functions; imports domain alone. A new provider is a file here, a line in registry.py, two JSON files of tests."""

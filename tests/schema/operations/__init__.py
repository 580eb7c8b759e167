"""Mutations that several test modules send, one module for each noun. The caller is an application with all scopes."""

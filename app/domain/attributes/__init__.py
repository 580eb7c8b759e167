"""The attributes that can be read: one table for each kind of object, and the registry of kinds.

Decides which stored fields an attribute is made of. Imports rules by name: `domain/rules.py` has their scopes.
"""

"""The attributes that can be read: one table for each kind of object, and the registry of kinds.

Decides which stored fields an attribute is made of and which rule opens it. Imports rows and values of the domain."""

"""The embedded database: a mongod as a one-member replica set on loopback, for a service without a database URL.

Decides which program runs, where it keeps its data and who may connect. Imports settings and data_dir only."""

"""Storage in MongoDB: reads, writes, transactions and indexes.

Decides the shape of the documents. Imports domain and settings; no other layer imports the driver."""

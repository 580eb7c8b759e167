"""Where everything is kept: MongoDB, behind the functions of this package.

Decides documents, indexes and transactions. Imports domain and settings; no other layer knows the driver."""

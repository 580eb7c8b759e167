"""Where things are kept: MongoDB, behind the functions of this package.

Decides how documents, indexes and transactions look. Imports domain and settings;
the only floor that knows the driver."""

"""The embedded database: a mongod that the service starts on loopback when PROFILE_API_MONGODB_URL is not set.

Decides which program runs, where its data is and who may connect. Imports settings and data_dir only."""

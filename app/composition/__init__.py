"""Builds the objects of the service from the settings: store, services, schema, engine and web.

Each module builds one part. The modules import every layer below; `app.main` joins the parts."""

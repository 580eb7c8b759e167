"""Builds the objects of the service from the settings: store, services, schema, engine and web.

Decides which object gets which settings and parts. Imports every layer below; `app.main` joins the parts."""

"""Which object gets which: settings -> store -> services -> engine -> web.

Decides what is built and what it is given, one module a part. Imports every layer below; `app.main` joins the parts."""

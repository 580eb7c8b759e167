"""Which object gets which: settings -> store -> services -> schema -> engine -> web.

Decides what is built from which settings, one module for each part. Imports every layer below; app.main joins them."""

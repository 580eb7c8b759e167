"""Builds the metrics, and adds gauges of the caches and of the database connections."""

from functools import partial

from app.auth.tokens import Tokens
from app.engine.execution import Engine
from app.store.database import Database
from app.web.metrics import Metrics


def build_metrics(tokens: Tokens, engine: Engine, database: Database) -> Metrics:
    metrics, documents, pool = Metrics(), engine.documents, database.pool
    # Functions instead of numbers: the caches count without knowing about metrics, and nothing is copied for each
    # request.
    for figure, description in (("hits", "Cache hits."), ("misses", "Cache misses.")):
        read = {"tokens": partial(getattr, tokens, figure), "documents": partial(getattr, documents, figure)}
        metrics.watch(f"cache_{figure}", description, read)
    metrics.watch("cache_size", "Entries in the cache.", {"tokens": tokens.__len__, "documents": documents.__len__})
    metrics.watch(
        "database_connections",
        "Connections to MongoDB, open or in use.",
        {"open": lambda: pool.open, "in_use": lambda: pool.in_use},
    )
    return metrics

"""Prometheus metrics. Labels are names of the schema, error codes and status codes, never a caller's text."""

import os
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import Receive, Scope, Send

from app.engine.operations import RootField
from app.engine.requests import OperationResult
from app.web.client_ips import is_forwarded, is_loopback_peer
from app.web.requests import read_headers
from app.web.responses import Reply

# Where worker processes put their counts together; set before this module is imported.
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


# When a count began is one more series for each, and nobody's question.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """What this process does; with `figures`, read when they are asked for, of caches and pools."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._histogram(
            "request_seconds", "Requests to /graphql, and those refused before routing.", "status", _SECONDS
        )
        self._refused = self._counter("refused_total", "Requests that came to no operation.", "code")
        self._fields = self._histogram("root_field_seconds", "Root fields that ran.", "field", _SECONDS)
        self._errors = self._counter("root_field_errors_total", "Errors in or below a root field.", "field", "code")
        self._costs = self._counter("root_field_cost_total", "Cost of the operations that it ran in.", "field")
        self._callers = Histogram(
            "profile_api_caller_seconds", "Finding the caller's profile.", buckets=_SECONDS, registry=self.registry
        )
        self._figures: list[tuple[Any, Callable[[], float]]] = []
        # `labels` looks a child up under a lock: these are few, and kept.
        self._children: dict[tuple[Any, ...], Any] = {}
        self._root_fields: dict[tuple[str, str], tuple[Any, Any]] = {}

    def watch(self, name: str, description: str, figures: Mapping[str, Callable[[], float]], label: str = "of") -> None:
        """A figure that somebody else keeps, in a few kinds."""
        gauge = Gauge(f"profile_api_{name}", description, [label], registry=self.registry, multiprocess_mode="livesum")
        self._figures.extend((gauge.labels(kind), read) for kind, read in figures.items())

    def observe(self, answer: OperationResult | None, refused: str | None, status: int, seconds: float) -> None:
        self._child(self._requests, str(status)).observe(seconds)
        if refused is not None:
            self._child(self._refused, refused).inc()
        if answer is None:
            return
        if answer.identified_in:
            self._callers.observe(answer.identified_in)
        for each in answer.root_fields:
            times, costs = self._of_field(each)
            times.observe(each.ended - each.began)
            costs.inc(answer.cost)
        if answer.errors:
            self._count_errors(answer)

    def count_refusal(self, status: int, seconds: float, code: str | None = None) -> None:
        """Counts a request that was refused before routing, whatever its path. `code` is that of its answer."""
        self.observe(None, code, status, seconds)

    def _of_field(self, field: RootField) -> tuple[Any, Any]:
        key = (field.type, field.name)
        found = self._root_fields.get(key)
        if found is None:
            name = f"{field.type}.{field.name}"
            found = self._root_fields[key] = self._fields.labels(name), self._costs.labels(name)
        return found

    def _count_errors(self, answer: OperationResult) -> None:
        names = {each.key: f"{each.type}.{each.name}" for each in answer.root_fields}
        for error in answer.errors:
            path, code = error.get("path"), error["extensions"]["code"]
            if path and path[0] in names:
                self._child(self._errors, names[path[0]], code).inc()
            elif not names:
                self._child(self._refused, code).inc()

    def exposition(self) -> bytes:
        """Of all worker processes, where there are several."""
        self.refresh()
        if MULTIPROCESS_VARIABLE not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def refresh(self) -> None:
        for gauge, read in self._figures:
            gauge.set(read())

    def _child(self, metric: Any, *labels: str) -> Any:
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"profile_api_{name}", description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, label: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"profile_api_{name}", description, [label], buckets=buckets, registry=self.registry)


class MetricsPage:
    """`/metrics`: from loopback, or with the token."""

    def __init__(self, metrics: Metrics, token: str | None) -> None:
        self._metrics = metrics
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._may(scope):
            response = Reply(200, self._metrics.exposition(), CONTENT_TYPE_LATEST)
        else:
            response = Reply(404, b"", "text/plain")
        await response(scope, receive, send)

    def _may(self, scope: Scope) -> bool:
        headers = read_headers(scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if self._token is not None and scheme.lower() == "bearer":
            return compare_digest(token.strip().encode(), self._token.encode())
        # Behind a proxy on this machine everybody comes from loopback.
        return is_loopback_peer(scope) and not is_forwarded(name for name, _ in scope["headers"])

"""Prometheus metrics. Labels are names of the schema, error codes and status codes, never a text that a caller sent."""

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

# The folder in which workers share their metrics. prometheus_client reads it when it is imported, so it must be set
# before this module is imported.
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


# Without this, each counter has a second series with the time of its creation, which is of no use here.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._histogram(
            "request_seconds",
            "Requests to /graphql, and requests that were refused before routing.",
            "status",
            _SECONDS,
        )
        self._refused = self._counter("refused_total", "Requests that were refused before an operation ran.", "code")
        self._fields = self._histogram("root_field_seconds", "Root fields that ran.", "field", _SECONDS)
        self._errors = self._counter("root_field_errors_total", "Errors in or below a root field.", "field", "code")
        self._costs = self._counter(
            "root_field_cost_total", "Cost of the operations that contained the root field.", "field"
        )
        self._callers = Histogram(
            "profile_api_caller_seconds", "Finding the caller's profile.", buckets=_SECONDS, registry=self.registry
        )
        # Gauges, each with a function that reads its value. They are read only when the metrics are requested.
        self._gauges: list[tuple[Any, Callable[[], float]]] = []
        # `labels` looks up a child under a lock for every request. The children are few, so they are stored here.
        self._children: dict[tuple[Any, ...], Any] = {}
        self._root_fields: dict[tuple[str, str], tuple[Any, Any]] = {}

    def watch(self, name: str, description: str, readers: Mapping[str, Callable[[], float]], label: str = "of") -> None:
        """Adds a gauge.

        `readers` has a function for each value of the label; the function returns the current number.
        """
        gauge = Gauge(f"profile_api_{name}", description, [label], registry=self.registry, multiprocess_mode="livesum")
        self._gauges.extend((gauge.labels(kind), read) for kind, read in readers.items())

    def observe(self, answer: OperationResult | None, refused: str | None, status: int, seconds: float) -> None:
        """Counts a request. `refused` is the error code if no operation ran. `seconds` is the duration."""
        self._child(self._requests, str(status)).observe(seconds)
        if refused is not None:
            self._child(self._refused, refused).inc()
        if answer is None:
            return
        if answer.identified_in:
            self._callers.observe(answer.identified_in)
        for each in answer.root_fields:
            times, costs = self._field_metrics(each)
            times.observe(each.ended - each.began)
            costs.inc(answer.cost)
        if answer.errors:
            self._count_errors(answer)

    def count_refusal(self, status: int, seconds: float, code: str | None = None) -> None:
        """Counts a request that was refused before routing. `code` is the error code of the answer, if it has one."""
        self.observe(None, code, status, seconds)

    def _field_metrics(self, field: RootField) -> tuple[Any, Any]:
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
        """Returns the metrics in the text format of Prometheus.

        With several workers, they are the sums of all workers.
        """
        self.refresh()
        if MULTIPROCESS_VARIABLE not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def refresh(self) -> None:
        """Reads the current values of all gauges."""
        for gauge, read in self._gauges:
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
    """Answers `/metrics` for clients on the same machine, and for clients with the token. Others get 404."""

    def __init__(self, metrics: Metrics, token: str | None) -> None:
        self._metrics = metrics
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._is_allowed(scope):
            response = Reply(200, self._metrics.exposition(), CONTENT_TYPE_LATEST)
        else:
            response = Reply(404, b"", "text/plain")
        await response(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        headers = read_headers(scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        # compare_digest takes the same time for every wrong token, so the time does not help to guess it.
        if self._token is not None and scheme.lower() == "bearer":
            return compare_digest(token.strip().encode(), self._token.encode())
        # If a proxy on this machine forwards requests, every client has a loopback address.
        return is_loopback_peer(scope) and not is_forwarded(name for name, _ in scope["headers"])

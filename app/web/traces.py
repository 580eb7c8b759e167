"""OpenTelemetry traces: a span for each request and for each of its root fields, if an endpoint is configured."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from app.engine.requests import OperationResult
from app.settings import ConfigurationError
from app.web.requests import Headers

# The OpenTelemetry specification defines these names.
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NANOSECONDS = 1e9


class Traces:
    """Makes the spans of requests."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, headers: Headers) -> Iterator["Traced"]:
        """Opens the span of a request.

        Its parent is the span in the header `traceparent` (W3C Trace Context), if any.
        """
        parent = propagate.extract(headers)
        with self._tracer.start_as_current_span("POST /graphql", parent, SpanKind.SERVER) as span:
            yield Traced(self._tracer, span)


class Traced:
    """The span of a request."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    def record(self, answer: OperationResult | None, status: int) -> None:
        """Adds the attributes, and a child span for each root field, after the request.

        The names follow the semantic conventions for HTTP and GraphQL. Variables and values are not recorded, because
        they can be personal data.
        """
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))
        if answer is None or answer.operation is None:
            return
        kind = answer.operation.type.value
        self._span.update_name(f"GraphQL {kind}")
        self._span.set_attribute("graphql.operation.type", kind)
        if answer.operation.name:
            self._span.set_attribute("graphql.operation.name", answer.operation.name)
        self._span.set_attribute("profile_api.cost", answer.cost)
        # The engine measures with a clock that has no date. Spans need a date.
        offset = time.time() - time.perf_counter()
        for each in answer.root_fields:
            child = self._tracer.start_span(
                f"{each.type}.{each.name}", start_time=int((offset + each.began) * _NANOSECONDS)
            )
            child.end(int((offset + each.ended) * _NANOSECONDS))


def traces_from_environment() -> Traces | None:
    """Reads the variables of the OpenTelemetry specification. Returns None if no endpoint is set.

    Raises ConfigurationError when the exporter is not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigurationError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra `telemetry` of profile-api is not installed. Install it."
        ) from None
    service: dict[str, Any] = {"service.name": os.environ.get("OTEL_SERVICE_NAME", "profile-api")}
    provider = TracerProvider(resource=Resource.create(service))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider.get_tracer("profile_api"))

"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ocrbook.serve.pool import Pool

BUCKETS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """What is counted, in a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, pool: Pool) -> None:
        self.registry = CollectorRegistry()
        labels = ["route", "status"]
        self._requests = Counter("ocr_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "ocr_request_seconds",
            "From the first byte to the answer.",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._connections = Gauge("ocr_connections", "Connections.", ["state"], registry=self.registry)
        self._closed = Counter("ocr_closed", "Connections cut off.", ["reason"], registry=self.registry)
        for name, text, value in (
            ("ocr_waiting", "Requests that wait for a worker.", lambda: pool.waiting),
            ("ocr_busy", "Requests that a worker is reading.", lambda: pool.busy),
            ("ocr_workers_ready", "Workers that run.", lambda: sum(worker.ready for worker in pool.workers)),
            ("ocr_worker_restarts", "How often a worker was started again.", lambda: pool.restarts),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)

    def seen(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def connected(self, state: str, change: int) -> None:
        """Count a connection that is "silent" (no whole header of a request has come) or "asking"."""
        self._connections.labels(state).inc(change)

    def closed(self, reason: str) -> None:
        """Count a connection that was cut off: "slow", or "full" where others needed its place."""
        self._closed.labels(reason).inc()

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)

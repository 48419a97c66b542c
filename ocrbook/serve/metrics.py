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

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)

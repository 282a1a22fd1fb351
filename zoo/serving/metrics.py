"""What a gateway counts, in Prometheus' text format."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
"""Seconds."""


class Metrics:
    """Counters of one gateway. `model` is a served model's name, or "" where there is none."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "zoo_requests_total", "Requests by status", ["model", "code"], registry=self.registry
        )
        self.seconds = Histogram(
            "zoo_predict_seconds",
            "From the request's head to its answer, answered requests only",
            ["model"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.rows = Counter("zoo_rows_total", "Rows answered", ["model"], registry=self.registry)
        self.retries = Counter(
            "zoo_retries_total", "Calls of replicas made again", ["model"], registry=self.registry
        )
        self.under_way = Gauge(
            "zoo_requests_under_way", "Requests to predict", ["model"], registry=self.registry
        )

    def text(self) -> tuple[bytes, str]:
        """All figures, and their content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

"""What the server tells Prometheus; no text, picture or key is among it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentipair.inference import Prediction

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one server.

    Args:
        pending: how many posts wait or are being scored.
    """

    def __init__(self, *, pending: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "sentipair_requests", "Answered requests.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "sentipair_request_seconds",
            "From the head to the answer.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.predictions = Counter(
            "sentipair_predictions", "Scored posts by their label.", ["label"], registry=self.registry
        )
        self.conflicts = Counter(
            "sentipair_conflicts", "Posts whose text and picture disagree.", registry=self.registry
        )
        self.batches = Histogram(
            "sentipair_batch_posts", "Posts scored at a time.", buckets=SIZES, registry=self.registry
        )
        self.batch_seconds = Histogram(
            "sentipair_batch_seconds", "Time of a batch.", buckets=SECONDS, registry=self.registry
        )
        waiting = Gauge("sentipair_posts_pending", "Posts that wait or are scored.", registry=self.registry)
        waiting.set_function(pending)

    def observe_batch(self, count: int, seconds: float) -> None:
        """Count a micro-batch of ``count`` posts."""
        self.batches.observe(count)
        self.batch_seconds.observe(seconds)

    def observe_predictions(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions by label."""
        for prediction in predictions:
            self.predictions.labels(prediction.label or "abstained").inc()
            self.conflicts.inc(prediction.conflict)

    def text(self) -> bytes:
        """All figures in the text format of Prometheus."""
        return generate_latest(self.registry)


class Observed:
    """ASGI middleware that counts and times requests, and adds ``headers`` to every answer."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, headers: dict[str, str]) -> None:
        self.app = app
        self.metrics = metrics
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        try:
            await self.app(scope, receive, observed)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(perf_counter() - start)

"""What happens is counted here, in a registry of its own, and told in the words of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from tether_desktop.messages import Timings, Usage, decode_rate
from tether_desktop.model.pool.slot import Unloading
from tether_desktop.protocol.api.monitoring import metric_table as table
from tether_desktop.protocol.api.monitoring.metric_table import Metric
from tether_desktop.protocol.api.monitoring.request_log import Served


class Measurements:
    """Counters and histograms of all that happens while the port is open; they can be told from any thread.

    Attributes:
        registry: holds them, and nothing that any other library counts.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter(table.REQUESTS)
        self._request_seconds = self._histogram(table.REQUEST_SECONDS)
        self._open_requests = self._gauge(table.OPEN_REQUESTS)
        self._open_streams = self._gauge(table.OPEN_STREAMS)
        self._sent_bytes = self._counter(table.SENT_BYTES)
        self._replies = self._counter(table.REPLIES)
        self._first_token = self._histogram(table.FIRST_TOKEN_SECONDS)
        self._queue = self._histogram(table.QUEUE_SECONDS)
        self._decode_rate = self._histogram(table.DECODE_RATE)
        self._prompt_tokens = self._counter(table.PROMPT_TOKENS)
        self._prompt_length = self._histogram(table.PROMPT_LENGTH)
        self._cached_tokens = self._counter(table.CACHED_TOKENS)
        self._generated_tokens = self._counter(table.GENERATED_TOKENS)
        self._tool_calls = self._counter(table.TOOL_CALLS)
        self._loads = self._counter(table.LOADS)
        self._load_seconds = self._histogram(table.LOAD_SECONDS)
        self._unloads = self._counter(table.UNLOADS)
        self._engine_deaths = self._counter(table.ENGINE_DEATHS)
        self._lateness = self._histogram(table.LATENESS)

    def request_began(self) -> None:
        """A request has come."""
        self._open_requests.inc()

    def stream_changed(self, kind: str, change: int) -> None:
        """A client has begun (1) or ended (-1) to read a stream."""
        self._open_streams.labels(kind).inc(change)

    def request_served(self, request: Served) -> None:
        """A request is over."""
        self._open_requests.dec()
        self._requests.labels(request.method, request.route, request.status).inc()
        self._request_seconds.labels(request.method, request.route).observe(request.seconds)
        self._sent_bytes.inc(request.sent_bytes)

    def first_token(self, source: str, model: str, seconds: float) -> None:
        """The first token of a reply has come, so many seconds after its question."""
        self._first_token.labels(source, model).observe(seconds)

    def reply_ended(self, source: str, model: str, ending: str) -> None:
        """A reply is over."""
        self._replies.labels(source, model, ending).inc()

    def reply_cost(self, model: str, usage: Usage, timings: Timings) -> None:
        """A reply came to its end, and took that."""
        self._queue.labels(model).observe(timings.queued_s)
        self._prompt_tokens.labels(model).inc(usage.prompt_tokens)
        self._prompt_length.labels(model).observe(usage.prompt_tokens)
        self._cached_tokens.labels(model).inc(usage.cached_tokens)
        self._generated_tokens.labels(model).inc(usage.completion_tokens)
        rate = decode_rate(usage, timings)
        if rate is not None:
            self._decode_rate.labels(model).observe(rate)

    def tool_called(self, tool: str, outcome: str) -> None:
        """A call has been answered, one way or the other."""
        self._tool_calls.labels(tool, outcome).inc()

    def load_ended(self, model: str, outcome: str, seconds: float) -> None:
        """A load is over; only those that succeeded tell how long loading takes."""
        self._loads.labels(model, outcome).inc()
        if outcome == "loaded":
            self._load_seconds.labels(model).observe(seconds)

    def unloaded(self, model: str, reason: Unloading) -> None:
        """A loaded model was let go."""
        self._unloads.labels(model, reason).inc()

    def engine_died(self, model: str) -> None:
        """An engine ended without being asked to."""
        self._engine_deaths.labels(model).inc()

    def loop_was_late(self, seconds: float) -> None:
        """The loop came so late to what was due."""
        self._lateness.observe(seconds)

    def told(self, accept: str, now: Iterable[Family] = ()) -> tuple[bytes, str]:
        """All of it as a client wants it.

        Args:
            accept: the header of the request.
            now: what is true just now, besides what was counted.

        Returns:
            The text and its media type: OpenMetrics where that is wanted, else Prometheus's own.
        """
        encode, media_type = choose_encoder(accept)
        return encode(_All(self.registry, now, with_times="openmetrics" in media_type)), media_type

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry)


class _All(Collector):
    """What was counted, and what is true just now."""

    def __init__(self, counted: Collector, now: Iterable[Family], *, with_times: bool) -> None:
        self._counted = counted
        self._now = now
        self._with_times = with_times

    def collect(self) -> Iterator[Family]:
        for family in chain(self._counted.collect(), self._now):
            if not self._with_times:
                # Prometheus's own format has no place for when a counter began, but would show it as a figure.
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family

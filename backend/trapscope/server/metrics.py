"""What /metrics tells Prometheus. One registry per application, so that two applications in one process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """Every figure, by name."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.sessions = Gauge("trapscope_sessions", "Sessions that exist now", registry=registry)
        self.clients = Gauge("trapscope_clients", "Sockets connected now", registry=registry)
        self.slowest = Gauge(
            "trapscope_slowest_client_chunks", "Chunks that the slowest client lags", registry=registry
        )
        self.engines = Gauge("trapscope_engines", "Engine processes that answer now", registry=registry)
        self.log_bytes = Gauge("trapscope_log_bytes", "Step logs of all sessions", registry=registry)
        self.sessions_created = Counter("trapscope_sessions_created", "Sessions ever created", registry=registry)
        self.sessions_ended = Counter(
            "trapscope_sessions_ended", "Sessions deleted, expired or evicted", ["why"], registry=registry
        )
        self.steps = Counter("trapscope_steps", "Steps recorded", registry=registry)
        self.engine_deaths = Counter("trapscope_engine_deaths", "Engine processes that ended", registry=registry)
        self.rebuilds = Counter("trapscope_rebuilds", "Sessions rebuilt from their input log", registry=registry)
        self.messages = Counter("trapscope_socket_messages", "Messages that clients sent", ["type"], registry=registry)
        self.refusals = Counter("trapscope_refusals", "What was refused, by problem code", ["code"], registry=registry)
        self.requests = Histogram(
            "trapscope_request_seconds",
            "Time to answer an HTTP request",
            ["method", "route", "status"],
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=registry,
        )
        self.advance = Histogram(
            "trapscope_advance_seconds",
            "Time that an engine process took to make one chunk",
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
            registry=registry,
        )

    def text(self) -> bytes:
        """The text exposition format, version 0.0.4."""
        return generate_latest(self._registry)

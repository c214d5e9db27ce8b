"""Where services' metrics and logs go: Prometheus on a loopback port, lines on standard error.

/metrics        the metrics of schemas/metrics.py as kiosque_…
/health/live    200 while the process answers
/health/ready   200 while the stage has its servers and works, else 503
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app

from deploy.errors import UserError
from schemas.metrics import METRICS, MetricName

_BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_NOISY_LOGGERS: Final = ("faust", "mode", "aiokafka", "kafka", "elastic_transport", "aiohttp", "asyncio")
"""They log their housekeeping at INFO; faust also formats a DEBUG record a message unless it is told not to."""
_TALKATIVE_EXTRACTORS: Final = ("trafilatura", "htmldate", "courlan", "readability")
"""They warn of every page that is not what they like; we say ourselves what became of each."""


class PrometheusMetrics:
    """The `Metrics` of a service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics: dict[MetricName, Any] = {}
        for metric in METRICS:
            name, labels = f"kiosque_{metric.name}", metric.labels
            match metric.type:
                case "counter":
                    self._metrics[metric.name] = Counter(name, metric.help, labels, registry=self.registry)
                case "gauge":
                    self._metrics[metric.name] = Gauge(name, metric.help, labels, registry=self.registry)
                case "histogram":
                    self._metrics[metric.name] = Histogram(
                        name, metric.help, labels, registry=self.registry, buckets=_BUCKETS
                    )

    def count(self, name: MetricName, value: float = 1, /, **labels: str) -> None:
        """Add to a counter."""
        self._of(name, labels).inc(value)

    def gauge(self, name: MetricName, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._of(name, labels).set(value)

    def observe(self, name: MetricName, value: float, /, **labels: str) -> None:
        """Add an observation to a histogram."""
        self._of(name, labels).observe(value)

    def _of(self, name: MetricName, labels: dict[str, str]) -> Any:
        metric = self._metrics[name]
        return metric.labels(**labels) if labels else metric

    def heartbeats(self) -> float:
        """How often any stage of this process has said that it gets on."""
        found = self._metrics["heartbeats_total"].collect()
        return float(sum(s.value for family in found for s in family.samples if s.name.endswith("_total")))

    def ready(self) -> bool:
        """Whether every stage of this process says that it is ready."""
        samples = [sample.value for family in self._metrics["ready"].collect() for sample in family.samples]
        return bool(samples) and all(samples)


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """A probe a second is not worth a line."""


def serve_monitoring(metrics: PrometheusMetrics, host: str, port: int) -> int:
    """Serve metrics and health from a daemon thread; returns the port.

    A thread, not the service's event loop: a blocked loop must not look like a dead process to the probe.

    Raises:
        UserError: the port is taken.
    """
    exposition = make_wsgi_app(metrics.registry)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return exposition(environ, start_response)  # type: ignore[no-any-return]  # prometheus_client says Any
        known = {"/health/live": True, "/health/ready": metrics.ready()}
        status = "404 Not Found" if path not in known else "200 OK" if known[path] else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [status.encode()]

    try:
        server: WSGIServer = make_server(host, port, application, handler_class=_QuietHandler)
    except OSError as error:
        problem = f"metrics cannot be served on {host}:{port} ({error.strerror})"
        raise UserError(problem, "choose another port with KIOSQUE_MONITORING_PORT") from error
    threading.Thread(target=server.serve_forever, name="monitoring", daemon=True).start()
    return server.server_port


def configure_logging(log_format: str, log_level: str) -> None:
    """Send structlog's and the libraries' lines to standard error, in one format."""
    level = logging.getLevelNamesMapping()[log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.ExceptionRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[*shared, structlog.processors.ExceptionRenderer()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TALKATIVE_EXTRACTORS:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))

"""The long-lived services: one command each, one process each. SIGTERM drains, absent servers are waited for."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

import typer

from deploy.clock import utc_now
from deploy.errors import UserError
from deploy.failpoints import arm_failpoint
from deploy.settings import Settings, load_settings
from deploy.telemetry import PrometheusMetrics, configure_logging, serve_monitoring
from deploy.watchdog import watch
from schemas.reasons import Stage

PANEL = "Services"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL)(poll)
    app.command(rich_help_panel=PANEL)(dedupe)
    app.command(rich_help_panel=PANEL)(enrich)
    app.command(rich_help_panel=PANEL)(reenrich)
    app.command(rich_help_panel=PANEL)(cluster)
    app.command(rich_help_panel=PANEL)(index)


def _prepared() -> tuple[Settings, PrometheusMetrics]:
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    metrics = PrometheusMetrics()
    if settings.monitoring_port is not None:
        serve_monitoring(metrics, settings.monitoring_host, settings.monitoring_port)
    arm_failpoint()
    watch(metrics, settings.watchdog_seconds)
    return settings, metrics


@contextmanager
def _as_user_error(kind: type[Exception]) -> Iterator[None]:
    """A room's own error, which has `problem` and `advice`, as the error that people see."""
    try:
        yield
    except kind as error:
        raise UserError(error.problem, error.advice) from error  # type: ignore[attr-defined]  # both rooms' have them


def poll() -> None:
    """Poll the feeds, fetch new articles, publish them to Kafka (articles.fetched)."""
    from deploy.withdrawal_log import KafkaWithdrawalLog
    from producers.errors import ProducerError
    from producers.options import PollerOptions
    from producers.service import run_poller

    settings, metrics = _prepared()
    shipped = Path(str(resources.files("producers") / "catalogue.toml"))
    options = PollerOptions(
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        catalogue_file=settings.feeds_file or shipped,
        contact=settings.contact,
        connect_to=settings.connect_to,
        min_interval_seconds=settings.min_interval_seconds,
        max_interval_seconds=settings.max_interval_seconds,
        first_run_hours=settings.first_run_hours,
        host_delay_seconds=settings.host_delay_seconds,
        page_concurrency=settings.page_concurrency,
        workers=settings.extract_workers,
        rights_basis=settings.rights_basis,
        session_timeout_seconds=settings.session_timeout_seconds,
    )
    withdrawals = KafkaWithdrawalLog(settings.kafka, settings.topic_prefix)

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # loops without signal support stop by KeyboardInterrupt
                loop.add_signal_handler(number, stop.set)
        await run_poller(options, withdrawals=withdrawals, metrics=metrics, clock=utc_now, stop=stop)

    with _as_user_error(ProducerError):
        asyncio.run(until_stopped())


def dedupe() -> None:
    """Keep each content of each article once, with its revision number (articles.unique)."""
    _process("dedupe")


def enrich() -> None:
    """Detect the language, label entities, places and topics (articles.tagged)."""
    _process("enrich")


def reenrich() -> None:
    """Label articles anew that `kiosque replay` asks for, at low priority (articles.reenrich to articles.tagged)."""
    _process("reenrich")


def cluster() -> None:
    """Find the story of each article and write the enriched article (articles.enriched)."""
    _process("cluster")


def _process(stage: Stage) -> None:
    from deploy.withdrawal_log import KafkaWithdrawalLog
    from processors.options import ProcessorOptions
    from processors.service import run_worker

    settings, metrics = _prepared()
    options = ProcessorOptions(
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        enrich_workers=settings.enrich_workers,
        story_window_seconds=settings.story_window_hours * 3600,
        session_timeout_seconds=settings.session_timeout_seconds,
        dead_letter_limit=settings.dead_letter_limit,
        probe_seconds=settings.probe_seconds,
    )
    withdrawals = KafkaWithdrawalLog(settings.kafka, settings.topic_prefix)
    run_worker(stage, options, withdrawals=withdrawals, metrics=metrics, clock=utc_now)


def index() -> None:
    """Index the enriched articles and the trace into Elasticsearch."""
    from deploy.sink_options import indexer_options
    from deploy.withdrawal_log import KafkaWithdrawalLog
    from sinks.errors import SinkError
    from sinks.service import run_indexer

    settings, metrics = _prepared()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    withdrawals = KafkaWithdrawalLog(settings.kafka, settings.topic_prefix)
    with _as_user_error(SinkError):
        run_indexer(indexer_options(settings), withdrawals=withdrawals, metrics=metrics, clock=utc_now, stop=stop)

"""The service `kiosque index`: wait for the servers, make the indices, then index until told to stop.

Elasticsearch answers -> templates, indices, alias are right -> Kafka and its topics are there -> Indexer.run
"""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from typing import TypeVar

import structlog
from elasticsearch import Elasticsearch

from schemas.metrics import Metrics
from schemas.withdrawals import WithdrawalLog
from sinks.dead_letters import KafkaDeadLetters
from sinks.elasticsearch import connect_with, ensure_indices
from sinks.errors import Unavailable
from sinks.indexer import Indexer
from sinks.kafka_source import KafkaSource
from sinks.mapping import index_names
from sinks.options import IndexerOptions
from sinks.settlement import retry_delay_seconds
from sinks.store import ElasticsearchStore, Store

log = structlog.get_logger(__name__)

_Got = TypeVar("_Got")


def run_indexer(
    options: IndexerOptions,
    *,
    withdrawals: WithdrawalLog,
    metrics: Metrics,
    clock: Callable[[], datetime],
    stop: threading.Event,
) -> None:
    """Run until `stop` is set. Absent servers are waited for: alive, `ready` is 0.

    Args:
        options: see there.
        withdrawals: what must stay away; asked before each batch, closed at the end.
        metrics: where to report to.
        clock: now, aware UTC.
        stop: set it, also from a signal handler, and the service writes what it holds, commits and returns.

    Raises:
        SinkError: settings or an index are wrong; somebody must act.
    """
    metrics.gauge("ready", 0, stage="index")

    def beat() -> None:
        metrics.count("heartbeats_total", stage="index")

    with closing(withdrawals), closing(connect_with(options)) as client:
        store = _awaited(lambda: _opened_store(client, options), options, stop, beat)
        source = _awaited(lambda: KafkaSource(options), options, stop, beat)
        if store is None or source is None:
            return
        dead_letters = KafkaDeadLetters(options.kafka, options.topic_prefix)
        with closing(source), closing(dead_letters):
            log.info("indexer started", index_prefix=options.index_prefix, topic_prefix=options.topic_prefix)
            Indexer(
                source,
                store,
                dead_letters,
                options,
                withdrawals=withdrawals,
                metrics=metrics,
                clock=clock,
                stop=stop,
            ).run()
    log.info("indexer stopped")


def _opened_store(client: Elasticsearch, options: IndexerOptions) -> Store:
    ensure_indices(client, options)
    return ElasticsearchStore(client, index_names(options.index_prefix), write_seconds=options.request_timeout_seconds)


def _awaited(
    get: Callable[[], _Got], options: IndexerOptions, stop: threading.Event, beat: Callable[[], None]
) -> _Got | None:
    """What `get` returns once it does not raise Unavailable; None if `stop` was set before."""
    attempt = 0
    while not stop.is_set():
        try:
            return get()
        except Unavailable as error:
            attempt += 1
            delay = retry_delay_seconds(attempt, options.retry_seconds, options.retry_max_seconds)
            log.warning("waiting for a server", error=str(error), attempt=attempt, retry_in_seconds=delay)
            beat()
            stop.wait(delay)
    return None

"""`kiosque poll` as a coroutine: builds the parts on Kafka, runs the poller, drains it.

Reads the catalogue file; everything else comes in. Kafka may be absent at any time: the service then waits, alive and
not ready.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from producers.addresses import ConnectTo
from producers.catalogue import Catalogue, load_catalogue
from producers.errors import ProducerError
from producers.extraction_pool import ExtractionPool, Isolation
from producers.feed_poll import FeedPoller
from producers.feed_state import FeedStates
from producers.feed_state_kafka import KafkaFeedStates
from producers.fetcher import Fetcher
from producers.kafka_writer import KafkaWriter
from producers.options import PollerOptions
from producers.page_reader import PageReader
from producers.poller import Poller
from producers.publisher import ArticlePublisher, KafkaPublisher
from producers.web import Web
from producers.withdrawn import WithdrawalCheck
from schemas.metrics import Metrics
from schemas.withdrawals import WithdrawalLog

_log = structlog.get_logger(__name__)


async def run_poller(
    options: PollerOptions,
    *,
    withdrawals: WithdrawalLog,
    metrics: Metrics,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
) -> None:
    """Poll feeds and publish articles until `stop` is set; then drain and return.

    Args:
        options: the poller's settings.
        withdrawals: what must stay away.
        metrics: where to report.
        clock: aware UTC.
        stop: set by the caller's signal handler.

    Raises:
        ProducerError: the catalogue cannot be read or is wrong, or `contact` is missing.
    """
    catalogue = read_catalogue(options)
    writer = KafkaWriter(options.kafka, "kiosque-poll")
    pool = ExtractionPool(
        options.workers, timeout_seconds=options.task_timeout_seconds, memory_bytes=options.worker_memory_bytes
    )
    try:
        pool.warm_up()
        await run_with(
            options,
            catalogue=catalogue,
            pool=pool,
            states=KafkaFeedStates(
                options.kafka, options.topic_prefix, writer, session_timeout_seconds=options.session_timeout_seconds
            ),
            withdrawals=withdrawals,
            publisher=KafkaPublisher(writer, options.topic_prefix),
            is_healthy=lambda: not writer.is_late(),
            metrics=metrics,
            clock=clock,
            stop=stop,
        )
    finally:
        withdrawals.close()
        await writer.close()
        await pool.close()


async def run_with(
    options: PollerOptions,
    *,
    catalogue: Catalogue,
    pool: Isolation,
    states: FeedStates,
    withdrawals: WithdrawalLog,
    publisher: ArticlePublisher,
    is_healthy: Callable[[], bool],
    metrics: Metrics,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
) -> None:
    """The poller on given bodies; `run_poller` gives Kafka's and worker processes, tests others."""
    async with Fetcher(
        contact=options.contact, connect_to=options.connect_to, timeout_seconds=options.request_timeout_seconds
    ) as fetcher:
        web = Web(fetcher, options, metrics=metrics, clock=clock)
        check = WithdrawalCheck(withdrawals)
        feeds = FeedPoller(
            web=web,
            pool=pool,
            states=states,
            withdrawals=check,
            publisher=publisher,
            options=options,
            metrics=metrics,
            clock=clock,
            jitter=random.random,
        )
        pages = PageReader(
            web=web,
            pool=pool,
            states=states,
            withdrawals=check,
            publisher=publisher,
            options=options,
            metrics=metrics,
            clock=clock,
        )
        poller = Poller(
            catalogue=catalogue,
            feeds=feeds,
            pages=pages,
            states=states,
            limits=options.limits,
            is_healthy=lambda: is_healthy() and check.is_available(),
            metrics=metrics,
            clock=clock,
        )
        await states.start(poller.release)
        _log.info("poller started", feeds=len(catalogue.feeds), catalogue=str(options.catalogue_file))
        await poller.run(stop)
        _log.info("poller draining", seconds=options.drain_seconds)
        await poller.drain(options.drain_seconds)
        await check.close()
        await states.close()


def read_catalogue(options: PollerOptions) -> Catalogue:
    """The feeds of the catalogue file, checked against the options.

    Raises:
        ProducerError: see run_poller.
    """
    path = options.catalogue_file
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProducerError(f"the feed list {path} cannot be read ({error.strerror})", "check its name") from error
    except UnicodeDecodeError as error:
        raise ProducerError(f"the feed list {path} is not UTF-8", "save it as UTF-8") from error
    catalogue = load_catalogue(text, str(path))
    named = ConnectTo(options.connect_to)
    strange = [feed.url for feed in catalogue.feeds if named.target(urlsplit(feed.url).hostname or "") is None]
    if strange and not options.contact:
        raise ProducerError(
            f"{len(strange)} feeds of real publishers would be polled by a stranger, the first is {strange[0]}",
            "say who you are with the setting contact, an e-mail address or URL",
        )
    return catalogue

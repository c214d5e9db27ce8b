"""dedupe, enrich and cluster as long-lived services: wait for Kafka, then run one Faust worker until SIGTERM."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import FrameType
from typing import Final, NoReturn

import faust
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from processors.app import AgentBody, create_app
from processors.cluster import ClusterMemory, ClusterStage
from processors.dedupe import DedupeMemory, DedupeStage
from processors.options import ProcessorOptions
from processors.transactional_agent import TransactionalAgent
from schemas import kafka_topics
from schemas.kafka_topics import full_name
from schemas.metrics import Metrics
from schemas.reasons import Stage

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
ENRICH_BATCH: Final = 16
"""Messages handed to the model at once: enough to keep its processes busy, few enough to lose little to a restart."""


def run_worker(stage: Stage, options: ProcessorOptions, metrics: Metrics, clock: Callable[[], datetime]) -> NoReturn:
    """Run one stage until SIGTERM or Ctrl-C; ends the process with exit code 0, or 70 if Kafka's answers fail."""
    metrics.gauge("ready", 0, stage=stage)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    needed = [full_name(topic, options.topic_prefix) for topic in kafka_topics.ALL]
    asyncio.run(_kafka_with_topics(options.kafka, needed, stage))
    app = create_app(stage, options, metrics, _body(stage, options, metrics, clock))
    worker = faust.Worker(app, quiet=True, loglevel=None, redirect_stdouts=False, override_logging=False)
    worker.spinner = None  # it writes escape sequences to standard output even if it is not shown
    worker.execute_from_commandline()
    sys.exit(0)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


async def _kafka_with_topics(kafka: str, needed: Iterable[str], stage: Stage) -> None:
    """Return when Kafka answers and has our topics; alive, not ready until then."""
    library_log = logging.getLogger("aiokafka")
    level = library_log.level
    library_log.setLevel(logging.CRITICAL)  # it would log every attempt; we say once what we wait for
    said = ""
    while (missing := await _missing_topics(kafka, needed)) is None or missing:
        waiting_for = "Kafka" if missing is None else f"topics {', '.join(missing)} (run `kiosque setup`)"
        if waiting_for != said:
            log.info("waiting", stage=stage, waiting_for=waiting_for, kafka=kafka)
            said = waiting_for
        await asyncio.sleep(RETRY_SECONDS)
    library_log.setLevel(level)


async def _missing_topics(kafka: str, needed: Iterable[str]) -> list[str] | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        found = set(await admin.list_topics())
    except (KafkaError, OSError):
        return None
    finally:
        await admin.close()
    return sorted(set(needed) - found)


def _body(stage: Stage, options: ProcessorOptions, metrics: Metrics, clock: Callable[[], datetime]) -> AgentBody:
    match stage:
        case "dedupe":
            dedupe = TransactionalAgent(
                stage,
                DedupeStage(),
                options,
                input_topic=kafka_topics.FETCHED,
                state_topic=kafka_topics.STATE_DEDUPE,
                new_memory=DedupeMemory,
                clock=clock,
                metrics=metrics,
            )
            return _transactional(dedupe, options)
        case "cluster":
            window = timedelta(seconds=options.story_window_seconds)
            cluster = TransactionalAgent(
                stage,
                ClusterStage(),
                options,
                input_topic=kafka_topics.TAGGED,
                state_topic=kafka_topics.STATE_CLUSTER,
                new_memory=lambda: ClusterMemory(window),
                clock=clock,
                metrics=metrics,
            )
            return _transactional(cluster, options)
        case "enrich":
            return _enrich(options, metrics, clock)
        case _:
            raise ValueError(f"{stage} is not a processor")


def _transactional(
    agent: "TransactionalAgent[DedupeMemory] | TransactionalAgent[ClusterMemory]", options: ProcessorOptions
) -> AgentBody:
    async def nothing_to_start() -> None:
        """Partitions are taken over on their first batch."""

    return AgentBody(
        input_topic=agent.input_topic,
        batch_size=options.batch_size,
        start=nothing_to_start,
        process=agent.process,
        assigned=agent.keep_only,
        stop=agent.stop,
    )


def _enrich(options: ProcessorOptions, metrics: Metrics, clock: Callable[[], datetime]) -> AgentBody:
    from processors.enrich_agent import EnrichAgent  # noqa: PLC0415  # spaCy costs the other stages 2 s and 300 MB
    from processors.enrich_pool import EnrichPool  # noqa: PLC0415

    pool = EnrichPool(options.enrich_workers, options.enrich_timeout_seconds)
    agent = EnrichAgent(options, pool, input_topic=kafka_topics.UNIQUE, clock=clock, metrics=metrics)

    async def stateless(_partitions: Iterable[int]) -> None:
        """Any partition will do."""

    return AgentBody(
        input_topic=kafka_topics.UNIQUE,
        batch_size=ENRICH_BATCH,
        start=pool.warm_up,
        process=agent.process,
        assigned=stateless,
        stop=agent.stop,
    )

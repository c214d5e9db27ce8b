"""The processors as long-lived services: wait for Kafka, then run one Faust worker until SIGTERM."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Final, NoReturn

import faust
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from processors.app import AgentBody, create_app
from processors.brake import Brake
from processors.cluster import ClusterMemory, ClusterStage
from processors.dedupe import DedupeMemory, DedupeStage
from processors.options import ProcessorOptions
from processors.readiness import Readiness
from processors.transactional_agent import TransactionalAgent
from schemas import kafka_topics
from schemas.kafka_topics import full_name
from schemas.metrics import Metrics
from schemas.reasons import Stage
from schemas.withdrawals import WithdrawalLog

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
ENRICH_BATCH: Final = 16
"""Messages handed to the model at once: enough to keep its processes busy, few enough to lose little to a restart."""


def run_worker(
    stage: Stage,
    options: ProcessorOptions,
    *,
    withdrawals: WithdrawalLog,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> NoReturn:
    """Run one stage until SIGTERM or Ctrl-C; ends the process with exit code 0, or 70 if Kafka's answers fail.

    Args:
        stage: dedupe, enrich, reenrich or cluster.
        options: see there.
        withdrawals: what must stay away; asked before each batch.
        metrics: where to report.
        clock: now, aware UTC.
    """
    readiness = Readiness(stage, metrics)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    needed = [full_name(topic, options.topic_prefix) for topic in kafka_topics.ALL]
    asyncio.run(_kafka_with_topics(options.kafka, needed, stage, readiness))
    brake = Brake(readiness, limit=options.dead_letter_limit, probe_seconds=options.probe_seconds)
    parts = _Parts(stage, options, brake, readiness, withdrawals, metrics, clock)
    app = create_app(stage, options, readiness, _BODIES[stage](parts))
    worker = faust.Worker(app, quiet=True, loglevel=None, redirect_stdouts=False, override_logging=False)
    worker.spinner = None  # it writes escape sequences to standard output even if it is not shown
    worker.execute_from_commandline()
    sys.exit(0)


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


async def _kafka_with_topics(kafka: str, needed: Iterable[str], stage: Stage, readiness: Readiness) -> None:
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
        readiness.beat()
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


@dataclass(frozen=True)
class _Parts:
    """What the agents are made of."""

    stage: Stage
    options: ProcessorOptions
    brake: Brake
    readiness: Readiness
    withdrawals: WithdrawalLog
    metrics: Metrics
    clock: Callable[[], datetime]


def _dedupe(parts: _Parts) -> AgentBody:
    agent = TransactionalAgent(
        parts.stage,
        DedupeStage(),
        parts.options,
        input_topic=kafka_topics.FETCHED,
        state_topic=kafka_topics.STATE_DEDUPE,
        new_memory=DedupeMemory,
        withdrawals=parts.withdrawals,
        brake=parts.brake,
        clock=parts.clock,
        metrics=parts.metrics,
    )
    return _transactional(agent, parts.options)


def _cluster(parts: _Parts) -> AgentBody:
    window = timedelta(seconds=parts.options.story_window_seconds)
    agent = TransactionalAgent(
        parts.stage,
        ClusterStage(),
        parts.options,
        input_topic=kafka_topics.TAGGED,
        state_topic=kafka_topics.STATE_CLUSTER,
        new_memory=lambda: ClusterMemory(window),
        withdrawals=parts.withdrawals,
        brake=parts.brake,
        clock=parts.clock,
        metrics=parts.metrics,
    )
    return _transactional(agent, parts.options)


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


def _enrich(parts: _Parts) -> AgentBody:
    from processors.enrich_agent import EnrichAgent  # noqa: PLC0415  # its imports would cost the other stages memory
    from processors.enrich_pool import EnrichPool  # noqa: PLC0415

    in_background = parts.stage == "reenrich"
    input_topic = kafka_topics.REENRICH if in_background else kafka_topics.UNIQUE
    workers = 1 if in_background else parts.options.enrich_workers
    pool = EnrichPool(workers, parts.options.enrich_timeout_seconds, low_priority=in_background)
    agent = EnrichAgent(
        parts.stage,
        parts.options,
        pool,
        input_topic=input_topic,
        brake=parts.brake,
        beat=parts.readiness.beat,
        clock=parts.clock,
        metrics=parts.metrics,
    )

    async def stateless(_partitions: Iterable[int]) -> None:
        """Any partition will do."""

    return AgentBody(
        input_topic=input_topic,
        batch_size=ENRICH_BATCH,
        start=pool.warm_up,
        process=agent.process,
        assigned=stateless,
        stop=agent.stop,
    )


_BODIES: Final[Mapping[Stage, Callable[[_Parts], AgentBody]]] = {
    "dedupe": _dedupe,
    "enrich": _enrich,
    "reenrich": _enrich,
    "cluster": _cluster,
}

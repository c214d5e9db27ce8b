"""A re-enrichment run is begun, gone on with, or given up.

Who may write is settled first: a run that is under way elsewhere is left alone unless one says --resume or --abandon,
which end that other process (Kafka fences its writer).
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Protocol, TypeVar

from aiokafka.errors import KafkaError

from deploy.errors import UserError
from deploy.replay.backlog import Backlog
from deploy.replay.enriched_log import EnrichedLog
from deploy.replay.run_log import RunLog, run_record
from deploy.replay.running import Outcome, ReplayOptions, RunningReplay, Surroundings
from deploy.replay.runs import ReplayRun, next_number, unfinished
from deploy.replay.selection import Selection
from processors.partition_writer import partition_of
from processors.state_topic import topic_id
from schemas import kafka_topics
from schemas.failpoints import failpoint
from schemas.kafka_topics import full_name


class _Connection(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


C = TypeVar("C", bound=_Connection)


async def start_replay(selection: Selection, options: ReplayOptions, surroundings: Surroundings) -> Outcome:
    """Begin the next run and do it.

    Raises:
        UserError: a run is unfinished.
        KafkaError: Kafka does not answer, or another replay has taken over (ProducerFenced).
        WithdrawalsUnavailable: Kafka does not answer.
    """
    run_log = RunLog(options.kafka, options.topic_prefix)
    _refuse_if_unfinished(await run_log.read())  # before a writer is started, which would end the other replay
    async with AsyncExitStack() as stack:
        writer = await _started(run_log.new_writer(), stack)
        runs = await run_log.read()
        _refuse_if_unfinished(runs)
        log = await _started(EnrichedLog(options.kafka, options.topic_prefix), stack)
        begins, ends = await log.extent(_partitions(selection))
        run = ReplayRun(
            run=next_number(runs),
            selection=selection,
            started_at=surroundings.clock(),
            topic_id=await _enriched_id(options),
            begin_offsets=begins,
            end_offsets=ends,
            next_offsets=begins,
        )
        await writer.write([run_record(run)])
        failpoint("replay.after_open")
        backlog = await _started(Backlog(options.kafka, options.topic_prefix), stack)
        return await RunningReplay(run, options, surroundings, writer, log, backlog).go()


async def resume_replay(options: ReplayOptions, surroundings: Surroundings) -> Outcome:
    """Go on with the unfinished run; whoever is at it is ended.

    Raises:
        UserError: there is none, or articles.enriched is another topic by now.
        KafkaError: as start_replay.
        WithdrawalsUnavailable: as start_replay.
    """
    run_log = RunLog(options.kafka, options.topic_prefix)
    _unfinished(await run_log.read())
    async with AsyncExitStack() as stack:
        writer = await _started(run_log.new_writer(), stack)
        run = _unfinished(await run_log.read())
        if run.topic_id != await _enriched_id(options):
            raise UserError(
                f"articles.enriched was made anew since run {run.run} began",
                "give the run up: kiosque replay --abandon",
            )
        log = await _started(EnrichedLog(options.kafka, options.topic_prefix), stack)
        backlog = await _started(Backlog(options.kafka, options.topic_prefix), stack)
        return await RunningReplay(run, options, surroundings, writer, log, backlog).go()


async def abandon_replay(kafka: str, topic_prefix: str, now: datetime) -> ReplayRun:
    """Mark the unfinished run as ended; whoever is at it is ended. Returns the run.

    Raises:
        UserError: there is none.
        KafkaError: Kafka does not answer.
    """
    run_log = RunLog(kafka, topic_prefix)
    _unfinished(await run_log.read())
    async with AsyncExitStack() as stack:
        writer = await _started(run_log.new_writer(), stack)
        run = _unfinished(await run_log.read()).ended(now, abandoned=True)
        await writer.write([run_record(run)])
        return run


async def _started(connection: C, stack: AsyncExitStack) -> C:
    stack.push_async_callback(_stop, connection)
    await connection.start()
    return connection


async def _stop(connection: _Connection) -> None:
    """Let go of it, come what may: aiokafka 0.14 closes a consumer whose broker is gone with a CancelledError."""
    try:
        await connection.stop()
    except (KafkaError, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


def _partitions(selection: Selection) -> list[int]:
    """Where its articles can be: one of them is in one partition."""
    count = kafka_topics.ENRICHED.partitions
    return list(range(count)) if selection.key is None else [partition_of(selection.key, count)]


async def _enriched_id(options: ReplayOptions) -> str:
    return await topic_id(options.kafka, full_name(kafka_topics.ENRICHED, options.topic_prefix))


def _refuse_if_unfinished(runs: dict[int, ReplayRun]) -> None:
    run = unfinished(runs)
    if run is not None:
        raise UserError(
            f"run {run.run} is not finished",
            "go on with it (kiosque replay --resume) or give it up (kiosque replay --abandon)",
        )


def _unfinished(runs: dict[int, ReplayRun]) -> ReplayRun:
    run = unfinished(runs)
    if run is None:
        raise UserError("no replay is unfinished", "begin one, such as kiosque replay --all")
    return run

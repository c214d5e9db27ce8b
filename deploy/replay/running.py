"""The work of a run on open connections, portion by portion.

    wait for pace and worker -> read articles.enriched -> withdrawal orders -> choose
    -> one transaction: articles for articles.reenrich, progress of the run -> next

The worker is never more than AHEAD articles behind: what news finds before it in articles.tagged is what the worker has
just done, not what is still to do.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from deploy.replay.backlog import Backlog
from deploy.replay.enriched_log import EnrichedLog
from deploy.replay.pace import TokenBucket
from deploy.replay.portions import Choice, EnrichedRecord, Portion, portion_of
from deploy.replay.run_log import run_record
from deploy.replay.runs import ReplayRun
from processors.partition_writer import RecordWriter
from schemas.failpoints import failpoint
from schemas.withdrawals import WithdrawalLog

AHEAD: Final = 500
"""Most articles written that the worker has not done."""

PORTION: Final = 100
"""Most articles in one transaction."""

LOOK_AHEAD: Final = 200_000
"""Records at the end of a partition whose keys are held, to know which articles come again: about 30 MB. Compaction
leaves several records of an article in the end of a log only (its active segment and what came since it last ran)."""

_LOOK_AGAIN_SECONDS: Final = 0.5
_WORKER_SECONDS: Final = 5.0


class Reporter(Protocol):
    """Who is told."""

    def progress(self, run: ReplayRun, waiting: int) -> None:
        """After each portion: the run, and how many articles the worker has not done."""

    def no_worker(self) -> None:
        """Nobody does the work; said once."""


@dataclass(frozen=True)
class ReplayOptions:
    """What a replay needs to know.

    Attributes:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
        rate: articles a second at most.
    """

    kafka: str
    topic_prefix: str
    rate: float


@dataclass(frozen=True)
class Surroundings:
    """What a replay is given.

    Attributes:
        withdrawals: what must stay away.
        clock: now, aware UTC.
        monotonic: seconds, for the pace.
        stop: ends the replay before its next portion.
        reporter: is told.
    """

    withdrawals: WithdrawalLog
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    stop: asyncio.Event
    reporter: Reporter


@dataclass(frozen=True)
class Outcome:
    """How a replay ended.

    Attributes:
        run: finished, or unfinished if it was stopped.
        waiting: articles that the worker has not done.
        worker: whether there is one.
    """

    run: ReplayRun
    waiting: int
    worker: bool


class RunningReplay:
    """One run on open connections."""

    def __init__(
        self,
        run: ReplayRun,
        options: ReplayOptions,
        surroundings: Surroundings,
        writer: RecordWriter,
        log: EnrichedLog,
        backlog: Backlog,
    ) -> None:
        self._run = run
        self._around = surroundings
        self._stop = surroundings.stop
        self._writer = writer
        self._log = log
        self._backlog = backlog
        self._portion_size = max(1, min(PORTION, int(options.rate)))
        self._bucket = TokenBucket(options.rate, self._portion_size, surroundings.monotonic())
        self._said_no_worker = False

    async def go(self) -> Outcome:
        """Do the run until it ends or is stopped."""
        for partition in sorted(self._run.end_offsets):
            if not self._stop.is_set():
                await self._partition(partition)
        if not self._stop.is_set():
            self._run = self._run.ended(self._around.clock())
            await self._writer.write([run_record(self._run)])
        waiting = await self._backlog.waiting()
        return Outcome(self._run, waiting, worker=not waiting or await self._backlog.worker_is_there())

    async def _partition(self, partition: int) -> None:
        start, end = self._run.next_offsets[partition], self._run.end_offsets[partition]
        last_offsets: dict[bytes, int] = {}
        async for records in self._log.records(partition, max(start, end - LOOK_AHEAD), end):
            last_offsets.update((record.key, record.offset) for record in records)
            if self._stop.is_set():
                return
        choice = Choice(self._run.run, self._run.selection, last_offsets)
        async for records in self._log.records(partition, start, end):
            while records and await self._may_go_on():
                portion = await self._portion(records, choice)
                await self._write(partition, portion, records[portion.taken - 1].offset + 1)
                del records[: portion.taken]
            if self._stop.is_set():
                return
        self._run = self._run.advanced(partition, end)

    async def _portion(self, records: list[EnrichedRecord], choice: Choice) -> Portion:
        orders = await asyncio.to_thread(self._around.withdrawals.read_to_end)
        return portion_of(records, choice, orders, self._portion_size)

    async def _write(self, partition: int, portion: Portion, next_offset: int) -> None:
        self._run = self._run.advanced(partition, next_offset, portion.counts)
        await self._writer.write([*portion.outputs, run_record(self._run)])
        failpoint("replay.after_portion")
        self._bucket.take(len(portion.outputs), self._around.monotonic())
        self._backlog.wrote(len(portion.outputs))

    async def _may_go_on(self) -> bool:
        """Wait until pace and worker allow for a whole portion; False if the replay is stopped instead."""
        looks = 0
        while not self._stop.is_set():
            waiting = await self._backlog.waiting()
            self._around.reporter.progress(self._run, waiting)
            pause = self._bucket.seconds_until_full(self._around.monotonic())
            if waiting + self._portion_size > AHEAD:
                pause = max(pause, _LOOK_AGAIN_SECONDS)
                looks += 1
            if pause <= 0:
                return True
            if looks * _LOOK_AGAIN_SECONDS >= _WORKER_SECONDS:
                await self._ask_for_worker()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
        return False

    async def _ask_for_worker(self) -> None:
        if not self._said_no_worker and not await self._backlog.worker_is_there():
            self._said_no_worker = True
            self._around.reporter.no_worker()

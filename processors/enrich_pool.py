"""The processes that hold the language model.

An article that kills or stalls its process costs that process, not the service: it is ended, another is started, and
the article becomes a dead letter. A killed service leaves none behind: on Linux the kernel ends them with their parent.
The service itself never loads the model: until the first message, and again after a long rest of a pool of low
priority, it costs little.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from pebble import ProcessExpired, ProcessPool

from processors.enrich_failure import Failure
from processors.records import Arrival
from processors.stages import Effect
from schemas.reasons import Stage

if TYPE_CHECKING:
    from processors.enrich import Tagger

_PR_SET_PDEATHSIG: Final = 1
_LOW_PRIORITY: Final = 10
REST_SECONDS: Final = 300.0
"""A pool of low priority without work for so long ends its processes; loading them again costs about 5 s."""

_tagger: "list[Tagger]" = []
"""The model process's models, loaded once by its initializer."""


def _start_worker(parent: int, niceness: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's business: it drains
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    from processors.enrich import Tagger  # noqa: PLC0415  # spaCy: here it costs, in the service it would for nothing

    _tagger.append(Tagger.load())
    os.nice(niceness)  # after loading: on a busy machine that would take minutes, and once is no burden


def _enrich(stage: Stage, arrival: Arrival, now: float) -> Effect | Failure:
    from processors.enrich_stage import enrich_safely  # noqa: PLC0415  # see _start_worker

    return enrich_safely(stage, _tagger[0], arrival, now)


def _ready() -> bool:
    return bool(_tagger)


class EnrichPool:
    """A bounded number of model processes; they start with the first use.

    Args:
        workers: how many.
        timeout_seconds: a process that works on one article for longer is ended.
        low_priority: give way to everything else on this machine, and end the processes while there is no work.
        rest_seconds: how long without work, for low_priority.
    """

    def __init__(
        self, workers: int, timeout_seconds: float, *, low_priority: bool = False, rest_seconds: float = REST_SECONDS
    ) -> None:
        self._workers = workers
        self._timeout = timeout_seconds
        self._niceness = _LOW_PRIORITY if low_priority else 0
        self._rest_seconds = rest_seconds if low_priority else None
        self._pool: ProcessPool | None = None
        self._rest: asyncio.TimerHandle | None = None

    async def warm_up(self) -> None:
        """Load the models; returns when every process answers."""
        pool = self._running()
        await asyncio.gather(*(asyncio.wrap_future(pool.schedule(_ready)) for _ in range(self._workers)))
        self._rest_later()

    async def effects(
        self, stage: Stage, arrivals: Sequence[Arrival], now: float, done: Callable[[], None]
    ) -> list[Effect | Failure]:
        """The effect of each record, in their order.

        Args:
            stage: enrich or reenrich.
            arrivals: the records.
            now: seconds since 1970.
            done: called whenever one of them is done.
        """
        pool = self._running()

        async def one(arrival: Arrival) -> Effect | Failure:
            result = await self._effect(pool, stage, arrival, now)
            done()
            return result

        try:
            return list(await asyncio.gather(*(one(arrival) for arrival in arrivals)))
        finally:
            self._rest_later()

    async def _effect(self, pool: ProcessPool, stage: Stage, arrival: Arrival, now: float) -> Effect | Failure:
        try:
            future = pool.schedule(_enrich, args=(stage, arrival, now), timeout=self._timeout)
            result: Effect | Failure = await asyncio.wrap_future(future)
        except (TimeoutError, FutureTimeout):
            return Failure("processing_timeout", f"no answer within {self._timeout:g} s")
        except ProcessExpired as error:
            return Failure("internal_error", f"the worker process ended: {error}")
        return result

    def _running(self) -> ProcessPool:
        if self._rest is not None:
            self._rest.cancel()
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=self._workers,
                context=get_context("spawn"),
                initializer=_start_worker,
                initargs=(os.getpid(), self._niceness),
            )
        return self._pool

    def _rest_later(self) -> None:
        if self._rest_seconds is not None:
            self._rest = asyncio.get_running_loop().call_later(self._rest_seconds, self.stop)

    def stop(self) -> None:
        """End the processes."""
        if self._rest is not None:
            self._rest.cancel()
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None

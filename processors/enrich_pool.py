"""The processes that hold the language model.

An article that kills or stalls its process costs that process, not the service: it is ended, another is started, and
the article becomes a dead letter. A killed service leaves none behind: on Linux the kernel ends them with their parent.
"""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from multiprocessing import get_context
from typing import Final

from pebble import ProcessExpired, ProcessPool

from processors.enrich import Tagger
from processors.enrich_stage import Failure, enrich_safely
from processors.records import Arrival
from processors.stages import Effect

_PR_SET_PDEATHSIG: Final = 1

_tagger: list[Tagger] = []
"""The worker process's models, loaded once by its initializer."""


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's business: it drains
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    _tagger.append(Tagger.load())


def _enrich(arrival: Arrival, now: float) -> Effect | Failure:
    return enrich_safely(_tagger[0], arrival, now)


def _ready() -> bool:
    return bool(_tagger)


class EnrichPool:
    """A bounded number of worker processes."""

    def __init__(self, workers: int, timeout_seconds: float) -> None:
        self._workers = workers
        self._timeout = timeout_seconds
        self._pool = ProcessPool(
            max_workers=workers,
            context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(os.getpid(),),
        )

    async def warm_up(self) -> None:
        """Load the models; returns when every process answers."""
        waiting = [asyncio.wrap_future(self._pool.schedule(_ready)) for _ in range(self._workers)]
        await asyncio.gather(*waiting)

    async def effects(self, arrivals: Sequence[Arrival], now: float) -> list[Effect | Failure]:
        """The effect of each record, in their order."""
        return list(await asyncio.gather(*(self._effect(arrival, now) for arrival in arrivals)))

    async def _effect(self, arrival: Arrival, now: float) -> Effect | Failure:
        try:
            future = self._pool.schedule(_enrich, args=(arrival, now), timeout=self._timeout)
            result: Effect | Failure = await asyncio.wrap_future(future)
        except (TimeoutError, FutureTimeout):
            return Failure("processing_timeout", f"no answer within {self._timeout:g} s")
        except ProcessExpired as error:
            return Failure("internal_error", f"the worker process ended: {error}")
        return result

    def stop(self) -> None:
        """End the processes."""
        self._pool.stop()
        self._pool.join()

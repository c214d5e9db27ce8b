"""Parsing and extraction in worker processes that are ended at a limit of time or memory.

A hostile feed or page costs its own worker, never the poller. Workers die with the poller, also when it is killed:
the kernel sends them SIGKILL (Linux), elsewhere they end when their pipe closes.
"""

import asyncio
import ctypes
import importlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, ParamSpec, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from producers.entries import ParsedFeed
from producers.errors import IsolationFailed
from producers.extraction import Page, extract_page
from producers.feed_parser import parse_feed

if TYPE_CHECKING:
    from concurrent.futures import Future

_PR_SET_PDEATHSIG: Final = 1
_TASKS_PER_WORKER: Final = 2_000
"""A worker is replaced after so many tasks: parsers keep caches."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Isolation(Protocol):
    """Where feeds are parsed and pages extracted."""

    async def parse_feed(self, data: bytes, *, url: str, headers: Mapping[str, str]) -> ParsedFeed:
        """`feed_parser.parse_feed`. Raises IsolationFailed."""

    async def extract_page(
        self, data: bytes, *, url: str, headers: Mapping[str, str], announced_title: str | None
    ) -> Page:
        """`extraction.extract_page`. Raises IsolationFailed."""


class ExtractionPool:
    """Workers for feed parsing and page extraction.

    Start it in the thread that lives as long as the pool: the kernel ties a worker's life to the thread that made it.

    Args:
        workers: processes; each takes about 90 MB.
        timeout_seconds: of one task.
        memory_bytes: address space of one worker.
    """

    def __init__(self, workers: int, *, timeout_seconds: float = 20.0, memory_bytes: int = 1 << 30) -> None:
        self._timeout_seconds = timeout_seconds
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=_TASKS_PER_WORKER,
            initializer=_prepare_worker,
            initargs=(os.getpid(), memory_bytes),
            context=multiprocessing.get_context("spawn"),
        )

    def warm_up(self) -> None:
        """Start the workers now; they import their libraries (about a second) while the service gets ready."""
        self._pool.schedule(os.getpid)

    async def parse_feed(self, data: bytes, *, url: str, headers: Mapping[str, str]) -> ParsedFeed:
        """`feed_parser.parse_feed` in a worker.

        Raises:
            IsolationFailed: time, memory or an error; `slug` says which.
        """
        return await self._run(parse_feed, data, url=url, headers=dict(headers))

    async def extract_page(
        self, data: bytes, *, url: str, headers: Mapping[str, str], announced_title: str | None
    ) -> Page:
        """`extraction.extract_page` in a worker.

        Raises:
            IsolationFailed: time, memory or an error; `slug` says which.
        """
        return await self._run(extract_page, data, url=url, headers=dict(headers), announced_title=announced_title)

    async def close(self) -> None:
        """End all workers; tasks that run fail."""
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)

    async def _run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        future: Future[_T] = self._pool.schedule(function, args=args, kwargs=kwargs, timeout=self._timeout_seconds)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise IsolationFailed("timeout", f"ended after {self._timeout_seconds:g} s") from error
        except MemoryError as error:
            raise IsolationFailed("memory", "needs more memory than a worker may have") from error
        except ProcessExpired as error:
            raise IsolationFailed("crash", f"the worker ended with code {error.exitcode}") from error
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            raise IsolationFailed("error", f"{type(error).__name__}: {str(error)[:300]}") from error


def _prepare_worker(parent: int, memory_bytes: int) -> None:
    """Tie the worker to its parent, limit its memory, import what it will need."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the tie was made
        os._exit(0)
    with suppress(ValueError, OSError):  # a lower limit of the system stays
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    for name in ("trafilatura.core", "feedparser", "tld.utils"):
        importlib.import_module(name)

"""Too many dead letters in a row pause a stage: then something is wrong with us or before us, not with the messages.

Paused means alive, not ready, and one message tried after each `probe_seconds`; the first that goes well releases.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from processors.readiness import Readiness

T = TypeVar("T")

log = structlog.get_logger()


class Brake:
    """Of one worker.

    Args:
        readiness: told of every pause; beats while waiting.
        limit: dead letters in a row that pause.
        probe_seconds: between two attempts while paused.
        sleep: replaces the clock in tests.
    """

    def __init__(
        self,
        readiness: Readiness,
        *,
        limit: int,
        probe_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._readiness = readiness
        self._limit = limit
        self._probe_seconds = probe_seconds
        self._sleep = sleep
        self._in_a_row = 0

    @property
    def paused(self) -> bool:
        """Whether messages are tried one by one."""
        return self._in_a_row >= self._limit

    def note(self, *, dead: bool) -> None:
        """What became of a message, in the order of the messages."""
        was_paused = self.paused
        self._in_a_row = self._in_a_row + 1 if dead else 0
        if self.paused != was_paused:
            log.error("dead letter limit", paused=self.paused, in_a_row=self._in_a_row)
            self._readiness.set("released", fine=not self.paused)

    async def portions(self, messages: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        """The messages as they may be worked on: all at once, or one by one with the pause before each.

        A whole batch may fail before the brake holds: its dead letters are what pauses.
        """
        start = 0
        while start < len(messages):
            if self.paused:
                await self._pause()
            size = 1 if self.paused else len(messages) - start
            yield messages[start : start + size]
            start += size

    async def _pause(self) -> None:
        turns = max(1, math.ceil(self._probe_seconds))
        for _ in range(turns):
            await self._sleep(self._probe_seconds / turns)
            self._readiness.beat()

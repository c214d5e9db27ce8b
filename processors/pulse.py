"""Is this worker getting on? A look at Kafka and at the commits every few seconds.

A Faust worker can be alive, "ready" and stuck: not fetching, not processing, not committing (seen in 4 of 30 runs with
tables). So a heartbeat is counted only if Kafka answers and either the commits have moved or nothing waits. What a
standing heartbeat leads to is decided by whoever runs the process (deploy/watchdog.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError

from processors.readiness import Readiness

PULSE_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker is with one partition, as offsets of the next message.

    Attributes:
        end: of the partition, committed transactions only.
        position: to be fetched next; passes over transaction markers.
        read: to be handed to the agent next; None before the first.
        committed: to be read again after a crash; None if nothing is.
    """

    end: int
    position: int
    read: int | None
    committed: int | None

    @property
    def waits(self) -> bool:
        """Whether something is there that is not yet done."""
        return self.position < self.end or (self.read is not None and self.read > (self.committed or 0))


def moves(before: Mapping[Any, Progress] | None, now: Mapping[Any, Progress]) -> bool:
    """Whether a worker gets on: nothing waits, or its commits or partitions are others than at the last look."""
    if not any(progress.waits for progress in now.values()):
        return True
    if before is None:
        return True
    return {place: p.committed for place, p in before.items()} != {place: p.committed for place, p in now.items()}


class Pulse:
    """The looks of one worker, in its event loop: a loop that is blocked looks at nothing."""

    def __init__(self, app: Any, readiness: Readiness) -> None:
        self._app = app
        self._readiness = readiness
        self._last: dict[Any, Progress] | None = None

    async def run(self) -> None:
        """Look until the worker stops."""
        while not self._app.should_stop:
            await self._look()
            await asyncio.sleep(PULSE_SECONDS)

    async def _look(self) -> None:
        try:
            found = await asyncio.wait_for(self._progress(), _ANSWER_SECONDS)
        except (TimeoutError, KafkaError, OSError):
            self._readiness.set("kafka", fine=False)
            return
        self._readiness.set("kafka", fine=True)
        if not self._app.rebalancing and moves(self._last, found):
            self._readiness.beat()
        self._last = found

    async def _progress(self) -> dict[Any, Progress]:
        consumer = self._app.consumer
        places = sorted(consumer.assignment())
        ends = await consumer.highwaters(*places) if places else {}
        found = {}
        for place in places:
            last = consumer._read_offset[place]  # noqa: SLF001  # Faust 0.15.3, pinned, tells nobody
            found[place] = Progress(
                end=ends[place],
                position=await consumer.position(place),
                read=None if last is None else last + 1,
                committed=consumer._committed_offset[place],  # noqa: SLF001
            )
        return found

"""Is this worker getting on? A look at Kafka and at the commits every few seconds.

A Faust worker can be alive, "ready" and stuck: not fetching, not processing, not committing (seen in 4 of 30 runs with
tables). So a heartbeat is counted only if Kafka answers and either the commits have moved or nothing waits. What a
standing heartbeat leads to is decided by whoever runs the process (deploy/watchdog.py).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

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

    def __init__(self, app: Any, kafka: str, readiness: Readiness) -> None:
        self._app = app
        self._ends = _EndOffsets(kafka)
        self._readiness = readiness
        self._last: dict[TopicPartition, Progress] | None = None

    async def run(self) -> None:
        """Look until the worker stops."""
        try:
            while not self._app.should_stop:
                await self._look()
                await asyncio.sleep(PULSE_SECONDS)
        finally:
            await self._ends.close()

    async def _look(self) -> None:
        places = sorted(TopicPartition(place.topic, place.partition) for place in self._app.consumer.assignment())
        try:
            ends = await self._ends.of(places)
        except (KafkaError, OSError):
            self._readiness.set("kafka", fine=False)
            return
        self._readiness.set("kafka", fine=True)
        found = {place: self._progress(place, end) for place, end in ends.items()}
        if not self._app.rebalancing and moves(self._last, found):
            self._readiness.beat()
        self._last = found

    def _progress(self, place: TopicPartition, end: int) -> Progress:
        consumer, known = self._app.consumer, TP(place.topic, place.partition)
        last = consumer._read_offset[known]  # noqa: SLF001  # Faust 0.15.3, pinned, tells nobody
        return Progress(
            end=end,
            position=_fetch_position(consumer, place),
            read=None if last is None else last + 1,
            committed=consumer._committed_offset[known],  # noqa: SLF001
        )


class _EndOffsets:
    """The ends of partitions, asked for on a connection of its own: Faust's queue of calls must never wait for us."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None

    async def of(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each partition, committed transactions only.

        Raises:
            KafkaError, OSError: no answer within _ANSWER_SECONDS.
        """
        try:
            consumer = await self._started()
            return dict(await asyncio.wait_for(consumer.end_offsets(places), _ANSWER_SECONDS)) if places else {}
        except TimeoutError as error:
            await self.close()
            raise KafkaError("no answer") from error
        except (KafkaError, OSError):
            await self.close()
            raise

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._kafka, isolation_level="read_committed", enable_auto_commit=False
            )
            self._consumer = consumer
            await asyncio.wait_for(consumer.start(), _ANSWER_SECONDS)
        return self._consumer

    async def close(self) -> None:
        """Let go of the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()


def _fetch_position(consumer: Any, place: TopicPartition) -> int:
    """Where Faust's consumer reads on, -1 before it knows: a look into another thread's state, without waiting."""
    held = consumer._thread._consumer  # noqa: SLF001  # its public way goes through the queue of calls
    subscription = held._subscription.subscription if held is not None else None  # noqa: SLF001
    assignment = subscription.assignment if subscription is not None else None
    state = assignment.state_value(place) if assignment is not None else None
    return state.position if state is not None and state.has_valid_position else -1

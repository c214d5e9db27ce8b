"""Bodies that fail on request, and one that records what it is told."""

import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.withdrawals import WithdrawalOrders, WithdrawalsInMemory, WithdrawalsUnavailable
from sinks.bulk_result import Outcome, Rejected, Retry
from sinks.dead_letters import DeadRecord, MemoryDeadLetters
from sinks.errors import DeadLettersUnavailable, SourceUnavailable, StoreUnavailable
from sinks.kafka_source import Polled
from sinks.memory_store import MemoryStore
from sinks.operations import Operation
from sinks.records import Partition, Record
from tests.sinks.samples import NOW


class ScriptedSource:
    """Gives what it was told to, one item a poll, then sets `stop`.

    Items: records, a Polled, or an exception to raise.

    Attributes:
        committed: the last committed offset of each partition.
        commits: every commit, in order.
        paused_polls: how many polls asked for nothing.
    """

    def __init__(self, stop: threading.Event, *items: Polled | Sequence[Record] | Exception) -> None:
        self._stop = stop
        self._items = deque(items)
        self._waiting: list[Record] = []
        self.committed: dict[Partition, int] = {}
        self.commits: list[dict[Partition, int]] = []
        self.commit_failures = 0
        self.paused_polls = 0
        self.closed = False

    def poll(self, timeout_seconds: float, *, paused: bool) -> Polled:
        if paused:
            self.paused_polls += 1
            if not isinstance(self._items[0] if self._items else None, Polled):
                return Polled()
        if not self._items:
            self._stop.set()
            return Polled()
        item = self._items.popleft()
        if isinstance(item, Exception):
            raise item
        return item if isinstance(item, Polled) else Polled(records=tuple(item))

    def commit(self, next_offsets: Mapping[Partition, int]) -> None:
        if self.commit_failures:
            self.commit_failures -= 1
            raise SourceUnavailable("KafkaConnectionError: gone")
        self.commits.append(dict(next_offsets))
        self.committed.update(next_offsets)

    def assigned(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


class FailingStore(MemoryStore):
    """A store in memory that fails as often as one says.

    Attributes:
        down: the next so many writes raise.
        busy: id -> how many more times the server cannot write it.
        poisoned: ids that it will never take.
        silent: the next so many checks raise.
        writes: the ids of each write that was answered.
    """

    def __init__(self, names: Any) -> None:
        super().__init__(names)
        self.down = 0
        self.busy: dict[str, int] = {}
        self.poisoned: set[str] = set()
        self.silent = 0
        self.writes: list[list[str]] = []

    def write(self, operations: Sequence[Operation]) -> list[Outcome]:
        if self.down:
            self.down -= 1
            raise StoreUnavailable("connection refused")
        self.writes.append([operation.id for operation in operations])
        return [self._answer(operation) for operation in operations]

    def check(self) -> None:
        if self.silent:
            self.silent -= 1
            raise StoreUnavailable("connection refused")

    def _answer(self, operation: Operation) -> Outcome:
        if self.busy.get(operation.id, 0):
            self.busy[operation.id] -= 1
            return Retry("429 es_rejected_execution_exception: queue is full")
        if operation.id in self.poisoned:
            return Rejected("400 document_parsing_exception: illegal latitude")
        return super().write([operation])[0]


class FailingDeadLetters(MemoryDeadLetters):
    """Dead letters in memory that fail the next `down` times."""

    def __init__(self) -> None:
        super().__init__()
        self.down = 0

    def write(self, records: Sequence[DeadRecord]) -> None:
        if self.down and records:
            self.down -= 1
            raise DeadLettersUnavailable("KafkaTimeoutError: not acknowledged")
        super().write(records)


class FailingWithdrawals(WithdrawalsInMemory):
    """Orders in memory that cannot be read the next `down` times."""

    def __init__(self) -> None:
        super().__init__()
        self.down = 0
        self.closed = False

    def read_to_end(self) -> WithdrawalOrders:
        if self.down:
            self.down -= 1
            raise WithdrawalsUnavailable("withdrawals cannot be read")
        return super().read_to_end()

    def close(self) -> None:
        self.closed = True


class RecordedMetrics:
    """Keeps what was reported.

    Attributes:
        counts: (name, sorted labels) -> sum.
        gauges: name -> values in order, repeated ones left out.
        observations: name -> values.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[Any, ...], float] = {}
        self.gauges: dict[str, list[float]] = {}
        self.observations: dict[str, list[float]] = {}

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        key = (name, *sorted(labels.values()))
        self.counts[key] = self.counts.get(key, 0) + value

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        values = self.gauges.setdefault(name, [])
        if not values or values[-1] != value:
            values.append(value)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        self.observations.setdefault(name, []).append(value)


class SteppingClock:
    """A clock that goes on by one second each time it is read."""

    def __init__(self, start: datetime = NOW) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def ids(records: Collection[DeadRecord]) -> list[str]:
    return [(record.key or b"").decode() for record in records]

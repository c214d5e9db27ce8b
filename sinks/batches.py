"""Records that wait for their batch: when it is full (count, bytes) or old enough, and what rebalances take out of it.

Records stay here until they are settled, in the order in which they came; nothing here is committed.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sinks.records import Partition, Record


class PendingRecords:
    """The unsettled records of one consumer, oldest first. Used by one thread.

    Args:
        batch_records: a batch has at most so many records.
        batch_bytes: a batch has at most so many bytes of values, unless its first record alone has more.
        batch_seconds: the oldest record waits at most so long.
    """

    def __init__(self, *, batch_records: int, batch_bytes: int, batch_seconds: float) -> None:
        self._batch_records = batch_records
        self._batch_bytes = batch_bytes
        self._patience = timedelta(seconds=batch_seconds)
        self._records: list[Record] = []
        self._size = 0
        self._since: datetime | None = None

    def __len__(self) -> int:
        return len(self._records)

    @property
    def full(self) -> bool:
        """Whether there is enough for a batch: reading on would only fill the memory."""
        return len(self._records) >= self._batch_records or self._size >= self._batch_bytes

    def add(self, records: Iterable[Record], now: datetime) -> None:
        """Append what was read at `now`."""
        added = list(records)
        self._records += added
        self._size += sum(record.size for record in added)
        if added and self._since is None:
            self._since = now

    def due(self, now: datetime) -> bool:
        """Whether a batch should be written: full, old enough, or the clock went backwards."""
        if self._since is None:
            return False
        return self.full or not self._since <= now < self._since + self._patience

    def batch(self, most: int | None = None) -> tuple[Record, ...]:
        """The next batch, oldest records first; they stay until `remove`.

        Args:
            most: fewer records than usual.
        """
        size = 0
        limit = self._batch_records if most is None else min(most, self._batch_records)
        for count, record in enumerate(self._records[:limit]):
            size += record.size
            if count and size > self._batch_bytes:
                return tuple(self._records[:count])
        return tuple(self._records[:limit])

    def remove(self, settled: Collection[Record], now: datetime) -> None:
        """Forget settled records; the rest waits as if it came at `now`."""
        gone = {(record.partition, record.offset) for record in settled}
        self._keep(record for record in self._records if (record.partition, record.offset) not in gone)
        self._since = now if self._records else None

    def drop(self, partitions: Collection[Partition]) -> None:
        """Forget the records of revoked partitions: their next owner reads them again."""
        if partitions:
            self._keep(record for record in self._records if record.partition not in partitions)
            self._since = self._since if self._records else None

    def _keep(self, records: Iterable[Record]) -> None:
        self._records = list(records)
        self._size = sum(record.size for record in self._records)

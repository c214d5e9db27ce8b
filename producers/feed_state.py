"""The poller's memory: a protocol and the body in memory. Kafka's body is feed_state_kafka.py.

A store owns some partitions of feeds.state at a time; a politeness group lies in one of them, so that one host is
polled by one poller. What it owns it has completely in memory; writes return when they are durable.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from producers.errors import NotOwned
from producers.records import FeedState, PendingPage, Record, decode_record, encode_record, record_key
from schemas.kafka_topics import FEEDS_STATE

Release = Callable[[frozenset[int]], Awaitable[None]]
"""Told that partitions are being taken away: returns when no work on them goes on."""


def partition_of(group: str) -> int:
    """The partition of feeds.state in which a politeness group lies; the same in every process, for good."""
    digest = hashlib.blake2b(group.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % FEEDS_STATE.partitions


class FeedStates(Protocol):
    """The memory of feeds and pending pages."""

    async def start(self, release: Release) -> None:
        """Begin to own partitions; `release` is awaited before any is given up."""

    async def close(self) -> None:
        """Give up all partitions."""

    def is_ready(self) -> bool:
        """Whether it is settled which partitions are owned, and all of them are read."""

    def owned(self) -> frozenset[int]:
        """Partitions that are owned and completely read."""

    def feed(self, url: str) -> FeedState | None:
        """What is remembered of a feed in an owned partition."""

    def feeds_of(self, group: str) -> Iterable[FeedState]:
        """What is remembered of all feeds of a politeness group."""

    def pages(self) -> Iterable[PendingPage]:
        """The pending pages of the owned partitions."""

    def is_current(self, page: PendingPage) -> bool:
        """Whether this is still what is to be done; a later change in the feed may have replaced it."""

    async def save(self, record: Record) -> None:
        """Remember a record; returns when it is durable. Raises NotOwned; nothing was written then."""

    async def replace_page(self, page: PendingPage, by: PendingPage) -> None:
        """Remember `by` in place of a pending page, unless a later one has replaced it. Else as `save`."""

    async def delete_page(self, page: PendingPage) -> None:
        """Forget a pending page, unless a later one has replaced it. Else as `save`."""


class PartitionMemory:
    """The records of owned partitions, readable by URL, group and id. Shared by both bodies."""

    def __init__(self) -> None:
        self._records: dict[int, dict[str, Record]] = {}

    def partitions(self) -> frozenset[int]:
        """The partitions that are held."""
        return frozenset(self._records)

    def load(self, partition: int, records: Mapping[str, Record]) -> None:
        """Hold a partition with these records."""
        self._records[partition] = dict(records)

    def drop(self, partitions: Iterable[int]) -> None:
        """Forget partitions."""
        for partition in partitions:
            self._records.pop(partition, None)

    def put(self, record: Record) -> None:
        """Hold a record, if its partition is held."""
        held = self._records.get(partition_of(record.group))
        if held is not None:
            held[record_key(record)] = record

    def holds(self, record: Record) -> bool:
        """Whether exactly this record is held."""
        return self._records.get(partition_of(record.group), {}).get(record_key(record)) is record

    def remove(self, record: Record) -> None:
        """Forget a record, if exactly this one is held."""
        if self.holds(record):
            del self._records[partition_of(record.group)][record_key(record)]

    def feed(self, url: str) -> FeedState | None:
        """See FeedStates."""
        for held in self._records.values():
            record = held.get(f"feed:{url}")
            if isinstance(record, FeedState):
                return record
        return None

    def feeds_of(self, group: str) -> list[FeedState]:
        """See FeedStates."""
        held = self._records.get(partition_of(group), {})
        return [record for record in held.values() if isinstance(record, FeedState) and record.group == group]

    def pages(self) -> list[PendingPage]:
        """See FeedStates."""
        return [
            record for held in self._records.values() for record in held.values() if isinstance(record, PendingPage)
        ]


class AnsweredFromMemory:
    """The half of FeedStates that asks nobody: what is owned is completely in memory."""

    def __init__(self) -> None:
        self._memory = PartitionMemory()

    def owned(self) -> frozenset[int]:
        """See FeedStates."""
        return self._memory.partitions()

    def feed(self, url: str) -> FeedState | None:
        """See FeedStates."""
        return self._memory.feed(url)

    def feeds_of(self, group: str) -> Iterable[FeedState]:
        """See FeedStates."""
        return self._memory.feeds_of(group)

    def pages(self) -> Iterable[PendingPage]:
        """See FeedStates."""
        return self._memory.pages()

    def is_current(self, page: PendingPage) -> bool:
        """See FeedStates."""
        return self._memory.holds(page)


class InMemoryFeedStates(AnsweredFromMemory):
    """Owns everything at once. `log` is what would be on the topic: a second store on the same log is a restart.

    Args:
        log: record key -> bytes; shared between stores that stand for one installation.
    """

    def __init__(self, log: dict[str, bytes] | None = None) -> None:
        super().__init__()
        self.log: dict[str, bytes] = {} if log is None else log
        self._release: Release | None = None

    async def start(self, release: Release) -> None:
        """See FeedStates."""
        self._release = release
        loaded: dict[int, dict[str, Record]] = {number: {} for number in range(FEEDS_STATE.partitions)}
        for key, value in self.log.items():
            record = decode_record(key, value)
            if record is not None:
                loaded[partition_of(record.group)][key] = record
        for partition, records in loaded.items():
            self._memory.load(partition, records)

    async def close(self) -> None:
        """See FeedStates."""
        held = self._memory.partitions()
        self._memory.drop(held)
        if self._release is not None and held:
            await self._release(held)

    def is_ready(self) -> bool:
        """See FeedStates."""
        return self._release is not None

    async def save(self, record: Record) -> None:
        """See FeedStates."""
        if partition_of(record.group) not in self.owned():
            raise NotOwned(record.group)
        self.log[record_key(record)] = encode_record(record)
        self._memory.put(record)

    async def replace_page(self, page: PendingPage, by: PendingPage) -> None:
        """See FeedStates."""
        if self.is_current(page):
            await self.save(by)

    async def delete_page(self, page: PendingPage) -> None:
        """See FeedStates."""
        if self.is_current(page):
            self.log.pop(record_key(page), None)
            self._memory.remove(page)

"""The poller's memory on the compacted topic feeds.state.

    membership.py: partition assigned and read ─► memory ─► feed_poll.py, page_reader.py ─► record acked ─► memory

Nothing is ever committed: every assignment reads from the beginning. Writes of one key wait for one another, so that
what the topic has last is what the memory has.

**Two writers.** A poller that lost a partition without knowing it (frozen, or cut off from Kafka) does not write once
it knows; see membership.py. What it had handed to its producer before may still arrive behind the new owner's records:

- an article: older than the new owner's reading, dedupe drops it.
- a feed record: costs one poll, no article. It may set back the reading number of an entry; its next reading then
  counts no higher than a known one, but was read later, which dedupe accepts.
- a page record: the entry is read once more after the next assignment, unless the feeds' memory has a later reading;
  then it is dropped (decide.is_outdated).
- a page's deletion: the new owner has the page in memory. Lost is it only if that poller ends before the page is done,
  and the feed does not change again: three accidents at once, in the few milliseconds of one acknowledgement. Only
  transactions would rule that out, at 27 ms for each of these writes.
"""

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from producers.errors import NotOwned
from producers.feed_state import AnsweredFromMemory, Release, partition_of
from producers.kafka_writer import KafkaWriter
from producers.membership import Membership
from producers.records import PendingPage, Record, encode_record, record_key
from schemas.kafka_topics import FEEDS_STATE, full_name

GROUP: Final = "kiosque-poll"


class KafkaFeedStates(AnsweredFromMemory):
    """Owns the partitions that the consumer group gives it.

    Args:
        bootstrap: Kafka's bootstrap servers, comma-separated.
        topic_prefix: of the installation; also before the group's name.
        writer: writes the records.
        session_timeout_seconds: after which the group gives a silent member's partitions to others.
    """

    def __init__(
        self, bootstrap: str, topic_prefix: str, writer: KafkaWriter, *, session_timeout_seconds: float = 10.0
    ) -> None:
        super().__init__()
        self._topic = full_name(FEEDS_STATE, topic_prefix)
        self._writer = writer
        self._membership = Membership(
            bootstrap.split(","), self._topic, topic_prefix + GROUP, self._memory, session_timeout_seconds
        )
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, release: Release) -> None:
        """See FeedStates. Returns at once; the partitions come when Kafka is there."""
        self._membership.start(asyncio.get_running_loop(), release)

    async def close(self) -> None:
        """See FeedStates."""
        await asyncio.to_thread(self._membership.stop)

    def is_ready(self) -> bool:
        """See FeedStates."""
        return self._membership.is_settled()

    def owned(self) -> frozenset[int]:
        """See FeedStates. None at all from the moment at which others may own them."""
        return super().owned() if self._membership.holds() else frozenset()

    async def save(self, record: Record) -> None:
        """See FeedStates."""
        async with self._turn(record):
            await self._write(record, encode_record(record))
            self._memory.put(record)

    async def replace_page(self, page: PendingPage, by: PendingPage) -> None:
        """See FeedStates."""
        async with self._turn(page):
            if self.is_current(page):
                await self._write(by, encode_record(by))
                self._memory.put(by)

    async def delete_page(self, page: PendingPage) -> None:
        """See FeedStates."""
        async with self._turn(page):
            if self.is_current(page):
                await self._write(page, None)
                self._memory.remove(page)

    def _turn(self, record: Record) -> asyncio.Lock:
        """One after the other for each key."""
        key = record_key(record)
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock

    async def _write(self, record: Record, value: bytes | None) -> None:
        partition = partition_of(record.group)
        if partition not in self.owned():
            raise NotOwned(record.group)
        await self._writer.write(self._topic, key=record_key(record).encode(), value=value, partition=partition)

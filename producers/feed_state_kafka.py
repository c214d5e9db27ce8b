"""The poller's memory on the compacted topic feeds.state.

    consumer group ─ assigned ─► partition read to its end, paused; records held ─ revoked ─► dropped, work ended

The group's `poll()` has its own thread, so that neither a slow page nor a busy loop lets the membership lapse. Nothing
is ever committed: every assignment reads from the beginning. A write of an owner that does not yet know that it lost a
partition may overwrite a newer record: that costs one poll, no article. It may also set back the reading number of an
entry; its next reading then counts no higher than a known one, but was read later, which dedupe accepts.
"""

import asyncio
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError

from producers.feed_state import AnsweredFromMemory, PartitionMemory, Release, partition_of
from producers.kafka_writer import KafkaWriter
from producers.records import PendingPage, Record, decode_record, encode_record, record_key
from schemas.kafka_topics import FEEDS_STATE, full_name

_log = structlog.get_logger(__name__)

GROUP: Final = "kiosque-poll"
_POLL_MS: Final = 250
_BLOCKING_MS: Final = 25
"""kafka-python 3.0.12 turns in circles inside poll() while a heartbeat is overdue and Kafka does not answer (measured:
99 % of a core). So a settled member blocks shortly only and rests outside of it; joining needs longer polls (with short
ones some members never joined)."""
_REST_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 1.0
_RELEASE_SECONDS: Final = 5.0
_JOIN_SECONDS: Final = 15.0


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
        self._bootstrap = bootstrap.split(",")
        self._topic = full_name(FEEDS_STATE, topic_prefix)
        self._group = topic_prefix + GROUP
        self._writer = writer
        self._session_timeout_seconds = session_timeout_seconds
        self._membership: _Membership | None = None

    async def start(self, release: Release) -> None:
        """See FeedStates. Returns at once; the partitions come when Kafka is there."""
        self._membership = _Membership(
            self._bootstrap, self._topic, self._group, self._memory, release, self._session_timeout_seconds
        )
        self._membership.start(asyncio.get_running_loop())

    async def close(self) -> None:
        """See FeedStates."""
        if self._membership is not None:
            await asyncio.to_thread(self._membership.stop)

    def is_ready(self) -> bool:
        """See FeedStates."""
        return self._membership is not None and self._membership.is_settled()

    async def save(self, record: Record) -> None:
        """See FeedStates."""
        await self._write(record, encode_record(record))
        self._memory.put(record)

    async def delete_page(self, page: PendingPage) -> None:
        """See FeedStates."""
        if self.is_current(page):
            await self._write(page, None)
            self._memory.remove(page)

    async def _write(self, record: Record, value: bytes | None) -> None:
        key = record_key(record).encode()
        await self._writer.write(self._topic, key=key, value=value, partition=partition_of(record.group))


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """The thread that belongs to the group, and what it is just reading.

    kafka-python calls the listener from its own loop: blocking calls of the consumer are made in our thread only.
    """

    def __init__(
        self,
        bootstrap: list[str],
        topic: str,
        group: str,
        memory: PartitionMemory,
        release: Release,
        session_timeout_seconds: float,
    ) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap_servers": bootstrap,
            "group_id": group,
            "client_id": "kiosque-poll",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": round(session_timeout_seconds * 1000),
            "heartbeat_interval_ms": round(session_timeout_seconds * 200),
            "metadata_max_age_ms": 10_000,  # a leader that misses the topic assigns nothing until it looks again
            "max_poll_records": 2_000,
            "max_partition_fetch_bytes": 4 << 20,
            "reconnect_backoff_max_ms": 1_000,
            "bootstrap_timeout_ms": 5_000,
            "allow_auto_create_topics": False,
        }
        self._topic = topic
        self._memory = memory
        self._release = release
        self._lock = threading.Lock()
        self._reading: dict[int, _Reading] = {}
        self._assigned = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeds-state", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Join the group; `loop` is where the memory lives."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Leave the group; the listener gives up the partitions on the way."""
        self._stopping.set()
        self._thread.join(_JOIN_SECONDS)

    def is_settled(self) -> bool:
        """Whether an assignment is known and completely read."""
        with self._lock:
            return self._assigned and not self._reading

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called in kafka-python's loop after a rebalance."""
        numbers = [part.partition for part in assigned]
        with self._lock:
            self._assigned = True
            self._reading |= {number: _Reading() for number in numbers}
        _log.info("partitions assigned", kafka_topic=self._topic, partitions=sorted(numbers))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called in kafka-python's loop before a rebalance: returns when no work on them goes on."""
        numbers = frozenset(part.partition for part in revoked)
        with self._lock:
            self._assigned = False
            for number in numbers:
                self._reading.pop(number, None)
        if not numbers or self._loop.is_closed():
            return
        _log.info("partitions revoked", kafka_topic=self._topic, partitions=sorted(numbers))
        done = asyncio.run_coroutine_threadsafe(self._give_up(numbers), self._loop)
        try:
            done.result(_RELEASE_SECONDS)
        except TimeoutError:
            _log.warning("work on revoked partitions did not end in time", partitions=sorted(numbers))

    async def _give_up(self, numbers: frozenset[int]) -> None:
        held = numbers & self._memory.partitions()
        self._memory.drop(numbers)  # first: no new work on them may begin while the old is ended
        await self._release(held)

    def _run(self) -> None:
        while not self._stopping.is_set():
            consumer = None
            try:
                consumer = KafkaConsumer(**self._settings)
                consumer.subscribe([self._topic], listener=self)
                self._serve(consumer)
            except KafkaError as error:
                _log.warning("kafka is absent", error=type(error).__name__, detail=str(error))
                self._stopping.wait(_RETRY_SECONDS)
            except Exception:  # noqa: BLE001 a thread that dies silently would leave the poller unready for good
                _log.exception("internal error", thread="feeds-state")
                self._stopping.wait(_RETRY_SECONDS)
            finally:
                if consumer is not None:
                    with suppress(KafkaError, OSError):
                        consumer.close(timeout_ms=5_000)

    def _serve(self, consumer: KafkaConsumer) -> None:
        while not self._stopping.is_set():
            try:
                settled = self._assigned
                batches = consumer.poll(timeout_ms=_BLOCKING_MS if settled else _POLL_MS)
                if settled and not batches:
                    self._stopping.wait(_REST_SECONDS)
                self._take(batches)
                self._go_on_reading(consumer)
            except (KafkaError, ValueError) as error:  # of a connection, or a partition taken away meanwhile
                _log.warning("reading feeds.state failed", error=type(error).__name__, detail=str(error))
                self._stopping.wait(_RETRY_SECONDS)

    def _take(self, batches: dict[TopicPartition, list[Any]]) -> None:
        with self._lock:
            for part, messages in batches.items():
                reading = self._reading.get(part.partition)
                if reading is not None and reading.end is not None:
                    for message in messages:
                        _apply(reading.records, message)

    def _go_on_reading(self, consumer: KafkaConsumer) -> None:
        """Begin with newly assigned partitions; hand over those that are read to the end they had when we began."""
        with self._lock:
            readings = {TopicPartition(self._topic, number): reading for number, reading in self._reading.items()}
        begun = {part: reading for part, reading in readings.items() if reading.end is not None}
        fresh = {part: reading for part, reading in readings.items() if reading.end is None}
        if fresh:
            # A partition that stays ours through a rebalance is still paused at its end; its records are dropped.
            consumer.seek_to_beginning(*fresh)
            consumer.resume(*fresh)
            for part, end in consumer.end_offsets(list(fresh)).items():
                fresh[part].end = end
        for part, reading in begun.items():
            position = consumer.position(part, timeout_ms=1_000)
            if position is not None and position >= (reading.end or 0):
                consumer.pause(part)
                self._hand_over(part.partition, reading)

    def _hand_over(self, number: int, reading: "_Reading") -> None:
        with self._lock:
            if self._reading.get(number) is not reading:
                return  # taken away meanwhile
            del self._reading[number]
        self._loop.call_soon_threadsafe(self._memory.load, number, reading.records)


class _Reading:
    """One assignment of a partition while it is being read; `end` is None until its reading has begun."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.end: int | None = None


def _apply(records: dict[str, Record], message: Any) -> None:
    """One record of the log: the last one of a key counts, null deletes."""
    key = (message.key or b"").decode(errors="replace")
    if message.value is None:
        records.pop(key, None)
        return
    record = decode_record(key, message.value)
    if record is None:
        _log.warning("record of feeds.state ignored", key=key, offset=message.offset)
    else:
        records[key] = record

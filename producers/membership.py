"""The poller's place in the consumer group of feeds.state: which partitions it owns, and what is in them.

    consumer group ─ assigned ─► partition read to its end, paused; records held ─ revoked ─► dropped, work ended

The group's `poll()` has its own thread, so that neither a slow page nor a busy loop lets the membership lapse. That
thread is also how we notice that the whole process stood still (SIGSTOP, a suspended machine): others may then own our
partitions, and kafka-python would tell us only after its next heartbeat. So we believe in them for a limited time only
(Lease). A membership that stood still for too long drops everything and joins anew.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError

from producers.feed_state import PartitionMemory, Release
from producers.records import Record, decode_record
from schemas.kafka_topics import FEEDS_STATE

_log = structlog.get_logger(__name__)

_POLL_MS: Final = 250
_BLOCKING_MS: Final = 25
"""kafka-python 3.0.12 turns in circles inside poll() while a heartbeat is overdue and Kafka does not answer (measured:
99 % of a core). So a settled member blocks shortly only and rests outside of it; joining needs longer polls (with short
ones some members never joined)."""
_REST_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 1.0
_RELEASE_SECONDS: Final = 5.0
_JOIN_SECONDS: Final = 15.0
_HEARTBEAT_SHARE: Final = 0.2
_LEASE_SHARE: Final = 0.7
"""Of the session timeout, which runs from the last heartbeat; that may be one interval older than the standstill."""
_ALL: Final = frozenset(range(FEEDS_STATE.partitions))


def boot_seconds() -> float:
    """A clock that goes on while the machine sleeps; time.monotonic stands still then on Linux."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Lease:
    """Holds from its beginning for as long as it is renewed in time; once it has run out it stays so.

    Args:
        seconds: between two renewals at most.
        clock: seconds; goes on while the process stands still.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = boot_seconds) -> None:
        self.seconds = seconds
        self._clock = clock
        self._renewed_at = float("-inf")

    def begin(self) -> None:
        """Begin, also anew."""
        self._renewed_at = self._clock()

    def renew(self) -> bool:
        """Whether it holds, and from now on again for its full time."""
        now = self._clock()
        if now - self._renewed_at > self.seconds:
            self._renewed_at = float("-inf")
            return False
        self._renewed_at = now
        return True

    def holds(self) -> bool:
        """Whether it holds. From any thread."""
        return self._clock() - self._renewed_at <= self.seconds


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """The thread that belongs to the group, and what it is just reading.

    kafka-python calls the listener from its own loop: blocking calls of the consumer are made in our thread only.

    Args:
        bootstrap: Kafka's bootstrap servers.
        topic: feeds.state's full name.
        group: the consumer group.
        memory: gets the records of partitions; only touched in the event loop.
        session_timeout_seconds: after which the group gives a silent member's partitions to others.
    """

    def __init__(
        self, bootstrap: list[str], topic: str, group: str, memory: PartitionMemory, session_timeout_seconds: float
    ) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap_servers": bootstrap,
            "group_id": group,
            "client_id": "kiosque-poll",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "session_timeout_ms": round(session_timeout_seconds * 1000),
            "heartbeat_interval_ms": round(session_timeout_seconds * 1000 * _HEARTBEAT_SHARE),
            "metadata_max_age_ms": 10_000,  # a leader that misses the topic assigns nothing until it looks again
            "max_poll_records": 2_000,
            "max_partition_fetch_bytes": 4 << 20,
            "reconnect_backoff_max_ms": 1_000,
            "bootstrap_timeout_ms": 5_000,
            "allow_auto_create_topics": False,
        }
        self._topic = topic
        self._memory = memory
        self._lease = Lease(session_timeout_seconds * _LEASE_SHARE)
        self._patience_seconds = min(_RETRY_SECONDS, self._lease.seconds / 2)
        self._release_seconds = min(_RELEASE_SECONDS, session_timeout_seconds / 2)  # no heartbeats go out meanwhile
        self._lock = threading.Lock()
        self._reading: dict[int, _Reading] = {}
        self._assigned = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeds-state", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._release: Release

    def start(self, loop: asyncio.AbstractEventLoop, release: Release) -> None:
        """Join the group; `loop` is where the memory lives, `release` ends work on partitions that go away."""
        self._loop, self._release = loop, release
        self._thread.start()

    def stop(self) -> None:
        """Leave the group; the listener gives up the partitions on the way."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_SECONDS)

    def is_settled(self) -> bool:
        """Whether an assignment is known and completely read."""
        with self._lock:
            return self._assigned and not self._reading

    def holds(self) -> bool:
        """Whether what the memory holds can be nobody else's."""
        return self._lease.holds()

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
        if numbers:
            _log.info("partitions revoked", kafka_topic=self._topic, partitions=sorted(numbers))
        self._lose(numbers)

    def _lose(self, numbers: frozenset[int]) -> None:
        with self._lock:
            self._assigned = False
            for number in numbers:
                self._reading.pop(number, None)
            if not numbers or self._loop.is_closed():
                return
            done = asyncio.run_coroutine_threadsafe(self._give_up(numbers), self._loop)
        try:
            done.result(self._release_seconds)
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

    def _begin_lease(self) -> None:
        """The memory is emptied before: in the name of a new lease nothing may be held that an old one brought."""
        dropped = threading.Event()

        def drop() -> None:
            self._memory.drop(_ALL)
            dropped.set()

        self._loop.call_soon_threadsafe(drop)
        while not dropped.wait(_RETRY_SECONDS) and not self._stopping.is_set():
            pass
        self._lease.begin()

    def _serve(self, consumer: KafkaConsumer) -> None:
        """Until told to stop, or until the process stood still for so long that others may own what we do."""
        self._begin_lease()
        while not self._stopping.is_set():
            try:
                settled = self._assigned
                batches = consumer.poll(timeout_ms=_BLOCKING_MS if settled else _POLL_MS)
                if not self._assigned:
                    _insist_on_joining(consumer)
                if settled and not batches:
                    self._stopping.wait(_REST_SECONDS)
                self._take(batches)
                self._go_on_reading(consumer)
            except (KafkaError, ValueError) as error:  # of a connection, or a partition taken away meanwhile
                _log.warning("reading feeds.state failed", error=type(error).__name__, detail=str(error))
                self._stopping.wait(self._patience_seconds)
            if self._lease.renew():
                continue
            if self._assigned:
                _log.warning("the process stood still, its feeds may be another poller's; joining anew")
                self._lose(_ALL)
                return
            self._begin_lease()

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
        patience_ms = round(self._patience_seconds * 1000)
        if fresh:
            # A partition that stays ours through a rebalance is still paused at its end; its records are dropped.
            consumer.seek_to_beginning(*fresh)
            consumer.resume(*fresh)
            for part, end in consumer.end_offsets(list(fresh), timeout_ms=patience_ms).items():
                fresh[part].end = end
        for part, reading in begun.items():
            self._lease.renew()
            position = consumer.position(part, timeout_ms=patience_ms)
            if position is not None and position >= (reading.end or 0):
                consumer.pause(part)
                self._hand_over(part.partition, reading)

    def _hand_over(self, number: int, reading: "_Reading") -> None:
        with self._lock:
            if self._reading.get(number) is not reading:
                return  # taken away meanwhile
            del self._reading[number]
            # Within the lock: a partition that is lost from now on is dropped after it was loaded, not before.
            self._loop.call_soon_threadsafe(self._memory.load, number, reading.records)


class _Reading:
    """One assignment of a partition while it is being read; `end` is None until its reading has begun."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.end: int | None = None


def _insist_on_joining(consumer: KafkaConsumer) -> None:
    """kafka-python 3.0.12 forgets a join that outlasts one poll() if new metadata was its only reason.

    When the answer arrives, the reason is gone, and nobody fetches it: no member, no heartbeats, for ever (on a busy
    machine one start in seven, when a topic's metadata comes after the first assignment). Asked for, it is fetched.
    """
    consumer._coordinator.request_rejoin()  # noqa: SLF001  # kafka-python has no other way


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

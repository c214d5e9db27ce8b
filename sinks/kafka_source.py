"""Records from Kafka: the protocol, and kafka-python's body of it.

    check that broker and topics are there -> join the group -> poll, read committed -> commit what one is told to

Nothing is committed by itself. Partitions that went to another member are reported with the poll that follows, before
its records. What to do with any of it is the indexer's decision.
"""

import socket
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError

from sinks.errors import SinkError, SourceUnavailable
from sinks.inputs import Inputs
from sinks.options import IndexerOptions
from sinks.records import Partition, Record

log = structlog.get_logger(__name__)

GROUP: Final = "kiosque-index"
"""The consumer group, with the topic prefix before it: two installations on one broker must not share it."""

_BLOCKING_MS: Final = 25
"""kafka-python 3.0.12 turns in circles inside poll() while a heartbeat is overdue and Kafka does not answer (measured:
99 % of a core). So a settled member blocks shortly only and rests outside of it; joining needs longer polls (with short
ones some members never joined)."""
_REST_SECONDS: Final = 0.05
_COMMIT_TIMEOUT_MS: Final = 5000
_CONNECT_TIMEOUT_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Polled:
    """What one poll brought.

    Attributes:
        records: in the order of their partitions.
        revoked: partitions that were another member's at some moment before these records were read, also if they are
            ours again: reading them began anew at the committed offset.
    """

    records: tuple[Record, ...] = ()
    revoked: frozenset[Partition] = frozenset()


class RecordSource(Protocol):
    """A member of a consumer group."""

    def poll(self, timeout_seconds: float, *, paused: bool) -> Polled:
        """Read what has come, and stay a member.

        Args:
            timeout_seconds: return after this time at the latest, or as soon as there are records.
            paused: read nothing from the partitions held before; those just assigned may still give some.

        Raises:
            SourceUnavailable: poll again later.
        """

    def commit(self, next_offsets: Mapping[Partition, int]) -> None:
        """Commit for the partitions that are still held; return when it is acknowledged.

        Raises:
            SourceUnavailable: commit again later.
        """

    def assigned(self) -> bool:
        """Whether any partition is held, and no rebalance is under way."""

    def close(self) -> None:
        """Leave the group, without committing."""


class Holdings(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no annotations
    """Notes which partitions were really taken away. Called on the client's own thread.

    With its eager assignors kafka-python 3.0 announces *all* partitions as revoked before each rebalance, but keeps the
    position of those that it then gets again. Forgetting their buffered records at that announcement loses them
    (measured: 24 of 300). What counts is the difference between two assignments.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: frozenset[Partition] = frozenset()
        self._revoked: frozenset[Partition] = frozenset()
        self.settled = False
        """Whether the group has told us what is ours, and is not about to tell us anew."""

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """They may stay ours: the group is about to say."""
        self.settled = False

    def on_partitions_lost(self, lost: Collection[Any]) -> None:
        """The group went on without us: everything is read anew."""
        with self._lock:
            self._revoked |= self._held | _partitions(lost)
            self._held = frozenset()
            self.settled = False

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """Note what is missing from the whole new assignment."""
        held = _partitions(assigned)
        with self._lock:
            self._revoked |= self._held - held
            self._held = held
            self.settled = True

    def take_revoked(self) -> frozenset[Partition]:
        """What was taken away since the last call."""
        with self._lock:
            taken, self._revoked = self._revoked, frozenset()
        return taken


def _partitions(of_kafka: Collection[Any]) -> frozenset[Partition]:
    return frozenset(Partition(held.topic, held.partition) for held in of_kafka)


class KafkaSource:
    """The consumer of all input topics (inputs.py).

    Raises:
        SourceUnavailable: the broker or a topic is not there yet.
        SinkError: the addresses cannot be read.
    """

    def __init__(self, options: IndexerOptions) -> None:
        servers = [server.strip() for server in options.kafka.split(",") if server.strip()]
        require_reachable(servers)
        try:
            self._consumer: Any = KafkaConsumer(
                bootstrap_servers=servers,
                client_id="kiosque-index",
                group_id=options.topic_prefix + GROUP,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                # An eager assignor, whose listeners get whole assignments: `Holdings` relies on it.
                partition_assignment_strategy=[RangePartitionAssignor],
                allow_auto_create_topics=False,
                max_poll_records=options.batch_records,
                session_timeout_ms=round(options.session_timeout_seconds * 1000),
                heartbeat_interval_ms=round(options.session_timeout_seconds * 200),
                metadata_max_age_ms=30_000,
                # kafka-python's default lets a client sleep for up to 48 s after the broker is back.
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=5000,
            )
        except KafkaError as error:
            raise SourceUnavailable(_shown(error)) from error
        self._holdings = Holdings()
        self._subscribe(Inputs(options.topic_prefix).kafka_topics)

    def _subscribe(self, wanted: Sequence[str]) -> None:
        """Join the group, once every topic is there: one that is absent would go unnoticed for minutes."""
        try:
            absent = sorted(set(wanted) - self._consumer.topics())
            if not absent:
                self._consumer.subscribe(list(wanted), listener=self._holdings)
                return
        except KafkaError as error:
            self.close()
            raise SourceUnavailable(_shown(error)) from error
        self.close()
        raise SourceUnavailable(f"Kafka topics are absent: {', '.join(absent)}")

    def poll(self, timeout_seconds: float, *, paused: bool) -> Polled:
        """See `RecordSource.poll`."""
        try:
            if paused:
                self._consumer.pause(*self._consumer.assignment())
            elif stopped := self._consumer.paused():
                self._consumer.resume(*stopped)
            timeout_ms = int(timeout_seconds * 1000)
            if self._holdings.settled:
                timeout_ms = min(_BLOCKING_MS, timeout_ms)
            polled = self._consumer.poll(timeout_ms=timeout_ms)
            if not self._holdings.settled:
                _insist_on_joining(self._consumer)
        except KafkaError as error:
            raise SourceUnavailable(_shown(error)) from error
        if not polled and timeout_seconds > 0:
            time.sleep(min(_REST_SECONDS, timeout_seconds))
        return Polled(
            records=tuple(_record(read) for reads in polled.values() for read in reads),
            revoked=self._holdings.take_revoked(),
        )

    def commit(self, next_offsets: Mapping[Partition, int]) -> None:
        """See `RecordSource.commit`."""
        held = self._consumer.assignment()
        offsets = {
            TopicPartition(*partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in next_offsets.items()
            if TopicPartition(*partition) in held
        }
        if not offsets:
            return
        try:
            self._consumer.commit(offsets, timeout_ms=_COMMIT_TIMEOUT_MS)
        except KafkaError as error:
            raise SourceUnavailable(_shown(error)) from error

    def assigned(self) -> bool:
        """See `RecordSource.assigned`."""
        return self._holdings.settled and bool(self._consumer.assignment())

    def close(self) -> None:
        """See `RecordSource.close`."""
        try:
            self._consumer.close(autocommit=False, timeout_ms=_COMMIT_TIMEOUT_MS)
        except KafkaError as error:
            log.warning("consumer did not close", error=_shown(error))


def _insist_on_joining(consumer: Any) -> None:
    """kafka-python 3.0.12 forgets a join that outlasts one poll() if new metadata was its only reason.

    When the answer arrives, the reason is gone, and nobody fetches it: the member reads on, but every commit fails with
    RebalanceInProgressError, for ever (found by random chaos, seed 101). Asked for, the answer is fetched.
    """
    consumer._coordinator.request_rejoin()  # noqa: SLF001  # kafka-python has no other way


def require_reachable(servers: list[str]) -> None:
    """Check that one of the servers accepts connections: a client made in vain leaves a thread behind.

    Raises:
        SourceUnavailable: none does.
        SinkError: an address is not `host:port`.
    """
    failures = []
    for server in servers:
        host, _, port = server.rpartition(":")
        if not host or not port.isdigit():
            raise SinkError(f"{server!r} is not the address of a Kafka broker", "give host:port, as in 127.0.0.1:9092")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_SECONDS).close()
        except OSError as error:
            failures.append(f"{server}: {error}")
        else:
            return
    raise SourceUnavailable(f"Kafka does not answer ({'; '.join(failures)})")


def _record(read: Any) -> Record:
    # A header may be null on the wire; no client can write that, and nobody of us does.
    headers = tuple((name, value or b"") for name, value in read.headers or ())
    return Record(Partition(read.topic, read.partition), read.offset, read.key, read.value, headers)


def _shown(error: KafkaError) -> str:
    return f"{type(error).__name__}: {error}"

"""Where records go that cannot be written: the topic articles.dead.

The record's bytes, key and headers stay as they were; the header `kiosque-dead-letter` says why, by whom and from
where (schemas.headers). So a replay is a copy back. Listing and replaying belong to `kiosque dead`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas.headers import dead_letter_headers
from schemas.kafka_topics import DEAD, full_name
from schemas.messages import DeadLetter
from sinks.errors import DeadLettersUnavailable
from sinks.inputs import Origin, letter_of
from sinks.operations import SetAside
from sinks.records import Record, RecordHeaders

log = structlog.get_logger(__name__)

_MAX_DETAIL: Final = 8000
_ACKNOWLEDGED_WITHIN_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record as it stands among the dead letters."""

    key: bytes | None
    value: bytes | None
    headers: RecordHeaders


class DeadLetters(Protocol):
    """Where dead letters go."""

    def write(self, records: Sequence[DeadRecord]) -> None:
        """Write all, and return when all are acknowledged.

        Raises:
            DeadLettersUnavailable: some may be written; write all again later.
        """

    def close(self) -> None:
        """Let go of the connection."""


def dead_record(record: Record, why: SetAside, at: datetime, origin: Origin | None = None) -> DeadRecord:
    """The record with the reason in its headers; one that was set aside before counts on.

    Args:
        record: as it came.
        why: the reason.
        at: now.
        origin: where it came from, if that is not where it was read.
    """
    (kafka_topic, partition), offset = origin or Origin(record.partition, record.offset)
    before = letter_of(record)
    letter = DeadLetter(
        reason=why.reason,
        stage="index",
        detail=why.detail[:_MAX_DETAIL],
        kafka_topic=kafka_topic,
        partition=partition,
        offset=offset,
        at=at,
        attempts=1 + (before.attempts if before else 0),
    )
    # No client can write a record that has neither key nor value.
    key = b"" if record.key is None and record.value is None else record.key
    return DeadRecord(key, record.value, tuple(dead_letter_headers(record.headers, letter)))


class MemoryDeadLetters:
    """Dead letters in memory.

    Attributes:
        records: all that were written.
    """

    def __init__(self) -> None:
        self.records: list[DeadRecord] = []

    def write(self, records: Sequence[DeadRecord]) -> None:
        """See `DeadLetters.write`."""
        self.records += records

    def close(self) -> None:
        """Nothing to let go of."""


class KafkaDeadLetters:
    """Dead letters on articles.dead.

    The producer is made when the first letter is written, and anew after any failure: kafka-python's idempotent
    producer is unusable after some of them.

    Args:
        kafka: bootstrap servers.
        topic_prefix: put before the topic's name.
        new_producer: replaces kafka-python's class in tests.
    """

    def __init__(self, kafka: str, topic_prefix: str, *, new_producer: Callable[..., Any] = KafkaProducer) -> None:
        self._kafka = kafka
        self._kafka_topic = full_name(DEAD, topic_prefix)
        self._new_producer = new_producer
        self._producer: Any = None

    def write(self, records: Sequence[DeadRecord]) -> None:
        """See `DeadLetters.write`."""
        if not records:
            return
        try:
            self._send(records)
        except KafkaError as error:
            self.close()
            raise DeadLettersUnavailable(f"{type(error).__name__}: {error}") from error

    def _send(self, records: Sequence[DeadRecord]) -> None:
        if self._producer is None:
            self._producer = self._new_producer(
                bootstrap_servers=self._kafka.split(","),
                client_id="kiosque-index-dead-letters",
                acks="all",
                linger_ms=20,
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=5000,
                max_block_ms=5000,
                # After this a batch is given up, so that a failed producer can be closed and its letters written anew.
                request_timeout_ms=5000,
                delivery_timeout_ms=15_000,
                allow_auto_create_topics=False,
                # A record of the largest size, grown by its letter, must still pass: the broker counts compressed
                # bytes, the client does not.
                compression_type="gzip",
                max_request_size=4 * 1024 * 1024,
            )
        futures = [
            self._producer.send(self._kafka_topic, key=record.key, value=record.value, headers=list(record.headers))
            for record in records
        ]
        for future in futures:
            future.get(timeout=_ACKNOWLEDGED_WITHIN_SECONDS)

    def close(self) -> None:
        """Let go of the producer; what it could not send is written again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                producer.close(timeout=5)
            except KafkaError as error:
                log.warning("producer did not close", error=str(error))

"""Reads articles.dead: linear, committed records only, in no group. Leaves what the records mean to letters.py.

with DeadLetterTopic(...) as topic:          one end of the topic for all readings
    topic.records(starts)                    partition by partition, in order
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.dead_letters.letters import DeadRecord, LetterId
from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas.kafka_topics import DEAD, full_name

_POLL_MS: Final = 200
_SILENT_SECONDS: Final = 30.0
_MOST_AT_ONCE: Final = 50
"""Records held at once: letters are up to 700 kB."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DeadLetterTopic:
    """The topic as it was on entering: readings of one object agree, whatever is set aside meanwhile.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.

    Raises (on entering, and while reading):
        ServerAbsent: Kafka does not answer.
        UserError: the topic is not there.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._kafka = kafka
        self._places = [TopicPartition(full_name(DEAD, topic_prefix), number) for number in range(DEAD.partitions)]
        self._consumer: Any = None
        self._ends: dict[TopicPartition, int] = {}

    def __enter__(self) -> Self:
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._kafka.split(","),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_poll_records=_MOST_AT_ONCE,
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=KAFKA_ANSWER_MS,
            )
            absent = self._places[0].topic not in self._consumer.topics()
            self._ends = {} if absent else self._consumer.end_offsets(self._places)
        except (KafkaError, OSError) as error:
            self.close()
            raise self._absent() from error
        if absent:
            self.close()
            raise UserError(f"Kafka has no topic {self._places[0].topic}", "run `kiosque setup`")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def records(self, starts: Mapping[int, int] | None = None) -> Iterator[DeadRecord]:
        """The records, partition by partition.

        Args:
            starts: partition -> offset to begin at; other partitions are left out. None reads everything.
        """
        for place in self._places:
            if starts is None or place.partition in starts:
                yield from self._of(place, None if starts is None else starts[place.partition])

    def _of(self, place: TopicPartition, start: int | None) -> Iterator[DeadRecord]:
        end = self._ends[place]
        if start is not None and start >= end:
            return
        try:
            self._consumer.assign([place])
            if start is None:
                self._consumer.seek_to_beginning(place)
            else:
                self._consumer.seek(place, start)
            yield from self._up_to(place, end)
        except KafkaError as error:
            raise self._absent() from error

    def _up_to(self, place: TopicPartition, end: int) -> Iterator[DeadRecord]:
        heard, position = time.monotonic(), -1
        while (reached := self._consumer.position(place)) < end:
            if reached != position:
                heard, position = time.monotonic(), reached
            elif time.monotonic() - heard > _SILENT_SECONDS:
                raise self._absent()
            for read in self._consumer.poll(timeout_ms=_POLL_MS).get(place, ()):
                if read.offset < end:
                    yield _record(read)

    def _absent(self) -> ServerAbsent:
        return ServerAbsent(f"no Kafka answers at {self._kafka}", "start it, or correct KIOSQUE_KAFKA")


def _record(read: Any) -> DeadRecord:
    # A header may be null on the wire; no client can write that, and nobody of us does.
    headers = tuple((name, value or b"") for name, value in read.headers or ())
    written_at = _EPOCH + timedelta(milliseconds=max(0, read.timestamp))
    return DeadRecord(LetterId(read.partition, read.offset), read.key, read.value, headers, written_at)

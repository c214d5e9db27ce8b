"""What the topics say of articles: one linear reading of articles.fetched, articles.enriched and articles.trace.

Bounded in memory; only the few fields that identify an article are decoded. What the sightings mean is targets.py's.
"""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.errors import ServerAbsent, UserError
from deploy.forget.targets import Sighting
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas.kafka_topics import ENRICHED, FETCHED, TRACE, full_name

_TOPICS: Final = (FETCHED, ENRICHED, TRACE)
_POLL_MS: Final = 200
_ANSWER_MS: Final = 10_000
_SILENT_SECONDS: Final = 30.0
_PARTITION_BYTES: Final = 1 << 20
_FETCHED_BYTES: Final = 4 << 20


class Sightings:
    """All committed records of the topics, once; a context manager.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.

    Attributes:
        records: read so far.
        unreadable: of these, records that do not tell which article they are of.

    Raises (on entering, and while reading):
        ServerAbsent: Kafka does not answer.
        UserError: a topic is not there.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._kafka = kafka
        self._names = [full_name(topic, topic_prefix) for topic in _TOPICS]
        self._places = [
            TopicPartition(full_name(topic, topic_prefix), number)
            for topic in _TOPICS
            for number in range(topic.partitions)
        ]
        self._consumer: Any = None
        self._decoder = msgspec.json.Decoder(Sighting)
        self.records = 0
        self.unreadable = 0

    def __enter__(self) -> Self:
        try:
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._kafka.split(","),
                client_id="kiosque-forget",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_poll_records=2_000,
                max_partition_fetch_bytes=_PARTITION_BYTES,
                fetch_max_bytes=_FETCHED_BYTES,
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=KAFKA_ANSWER_MS,
                allow_auto_create_topics=False,
            )
            absent = sorted(set(self._names) - self._consumer.topics())
        except (KafkaError, OSError) as error:
            self.close()
            raise self._absent() from error
        if absent:
            self.close()
            raise UserError(f"Kafka has no topic {', '.join(absent)}", "run `kiosque setup`")
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)
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

    def held(self) -> int:
        """How many records there are to read, about: compaction leaves gaps."""
        try:
            begins = self._consumer.beginning_offsets(self._places, timeout_ms=_ANSWER_MS)
            ends = self._consumer.end_offsets(self._places, timeout_ms=_ANSWER_MS)
        except KafkaError as error:
            raise self._absent() from error
        return sum(ends[place] - begins[place] for place in self._places)

    def up_to_now(self) -> Iterator[Sighting]:
        """What was written before this call and not yet read."""
        try:
            ends = self._consumer.end_offsets(self._places, timeout_ms=_ANSWER_MS)
            yield from self._up_to(ends)
        except KafkaError as error:
            raise self._absent() from error

    def _up_to(self, ends: dict[TopicPartition, int]) -> Iterator[Sighting]:
        heard = time.monotonic()
        open_places = set(self._places)
        while open_places := {place for place in open_places if self._position(place) < ends[place]}:
            # One that is read to its end would only take the others' turn.
            self._consumer.pause(*(set(self._places) - open_places))
            self._consumer.resume(*open_places)
            polled = self._consumer.poll(timeout_ms=_POLL_MS)
            if polled:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENT_SECONDS:
                raise self._absent()
            for records in polled.values():
                for record in records:
                    yield from self._sighting(record.value)

    def _position(self, place: TopicPartition) -> int:
        position: int | None = self._consumer.position(place, timeout_ms=_ANSWER_MS)
        if position is None:
            raise self._absent()
        return position

    def _sighting(self, value: bytes | None) -> Iterator[Sighting]:
        self.records += 1
        if value is None:
            return  # withdrawn before
        try:
            yield self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.unreadable += 1

    def _absent(self) -> ServerAbsent:
        return ServerAbsent(f"no Kafka answers at {self._kafka}", "start it, or correct KIOSQUE_KAFKA")

"""The topics as an audit reads them: each once, up to ends that are noted at the start. In no group, commits nothing.

    what the stages have committed ─► the ends ─► records of one topic after the other ─► what came to one meanwhile

In this order nothing is missed: whatever a stage had committed, its results stand before the ends. The ends are those
of all records, not of the committed ones: a transaction that is open just now must not hide what lies behind it.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.audit.facts import TOPICS, Place
from deploy.audit.problems import STAGE_OF
from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas.kafka_topics import KafkaTopic, full_name

MARGIN_SECONDS: Final = 3_600
"""So much younger than the oldest record of a topic must be what is looked for there: clocks differ, segments end."""

_POLL_MS: Final = 200
_ANSWER_MS: Final = 10_000
_SILENT_SECONDS: Final = 90.0
"""Longer than a transaction may stay open (a minute)."""
_MOST_AT_ONCE: Final = 5_000
_FETCH_BYTES: Final = 8 << 20

Offsets = Mapping[int, int]
"""Partition -> offset."""


class TopicLog:
    """All topics of one installation; a context manager, which notes on entering where everything stands.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.

    Raises (on entering, and while reading):
        ServerAbsent: Kafka does not answer.
        UserError: a topic is not there.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._kafka = kafka
        self._prefix = topic_prefix
        self._consumer: Any = None
        self._committed: dict[str, Offsets] = {}
        self._begins: dict[str, Offsets] = {}
        self._ends: dict[str, Offsets] = {}

    def __enter__(self) -> Self:
        try:
            self._consumer = self._new_consumer(None)
            self._require_topics()
            self._committed = {topic.name: self._read_committed_offsets(topic) for topic in TOPICS}
            self._begins = {topic.name: self._by_partition("beginning_offsets", topic) for topic in TOPICS}
            self._ends = {topic.name: self._last_offsets(topic) for topic in TOPICS}
        except (KafkaError, OSError) as error:
            self.close()
            raise self._absent() from error
        except BaseException:
            self.close()
            raise
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

    def extent(self, topic: KafkaTopic) -> int:
        """How many records there may be to read; compacted ones and transaction markers count."""
        return sum(end - self._begins[topic.name][number] for number, end in self._ends[topic.name].items())

    def is_pending(self, topic: KafkaTopic, partition: int, offset: int) -> bool:
        """Whether the stage that reads the topic had not committed this record on entering."""
        return offset >= self._committed[topic.name].get(partition, 0)

    def records(self, topic: KafkaTopic) -> Iterator[Any]:
        """The committed records before the noted ends, those of one partition in order."""
        return self._between(topic, None, self._ends[topic.name])

    def news(self, topic: KafkaTopic) -> Iterator[Any]:
        """The committed records that have come behind the noted ends until now."""
        try:
            ends = self._last_offsets(topic)
        except KafkaError as error:
            raise self._absent() from error
        return self._between(topic, self._ends[topic.name], ends)

    def held_since(self, topic: KafkaTopic, now: datetime) -> int:
        """Seconds since 1970 after which everything ever written to the topic is held; 0 if nothing has expired.

        To be asked after reading: retention may have taken something meanwhile.
        """
        begins = {n: begin for n, begin in self._by_partition("beginning_offsets", topic).items() if begin}
        if not begins:
            return 0
        since: list[int] = [record.timestamp // 1000 for record in self._firsts(topic, begins)]
        if len(since) < len(begins):  # a partition of which everything has expired: younger records would be there
            since.append(int((now - timedelta(days=topic.retention_days or 0)).timestamp()))
        return max(since) + MARGIN_SECONDS

    def first_written(self, topic: KafkaTopic) -> int:
        """When the oldest record that is held was written, in seconds since 1970; 0 if there is none."""
        records = self._firsts(topic, self._by_partition("beginning_offsets", topic))
        return min((record.timestamp // 1000 for record in records), default=0)

    def value(self, place: Place) -> bytes | None:
        """The value of one record, None if it is not held any more."""
        topic = next(topic for topic in TOPICS if topic.name == place.kafka_topic)
        starts, ends = {place.partition: place.offset}, {place.partition: place.offset + 1}
        for record in self._between(topic, starts, ends):
            if (record.partition, record.offset) == (place.partition, place.offset):
                found: bytes | None = record.value
                return found
        return None

    def _firsts(self, topic: KafkaTopic, begins: Offsets) -> Iterator[Any]:
        """The first record held of each partition that has one."""
        for number, begin in begins.items():
            ends = {number: self._ends[topic.name][number]}
            record = next(self._between(topic, {number: begin}, ends), None)
            if record is not None:
                yield record

    def _between(self, topic: KafkaTopic, starts: Offsets | None, ends: Offsets) -> Iterator[Any]:
        name = full_name(topic, self._prefix)
        begins = self._begins[topic.name] if starts is None else starts
        wanted = {TopicPartition(name, n): end for n, end in ends.items() if n in begins and begins[n] < end}
        if not wanted:
            return
        try:
            self._consumer.assign(list(wanted))
            for place in wanted:
                self._consumer.seek(place, begins[place.partition])
            yield from self._up_to(wanted)
        except KafkaError as error:
            raise self._absent() from error

    def _up_to(self, ends: dict[TopicPartition, int]) -> Iterator[Any]:
        heard, reached = time.monotonic(), -1
        while unfinished := [place for place in ends if self._position(place) < ends[place]]:
            position = sum(map(self._position, ends))
            if position != reached:
                heard, reached = time.monotonic(), position
            elif time.monotonic() - heard > _SILENT_SECONDS:
                raise UserError(
                    f"{unfinished[0].topic} cannot be read to its end", "a transaction may hang: try again in a minute"
                )
            for place in set(self._consumer.assignment()).difference(unfinished):
                self._consumer.pause(place)  # one that is read to its end would only take the others' turn
            for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
                for record in records:
                    if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                        yield record

    def _position(self, place: TopicPartition) -> int:
        position: int | None = self._consumer.position(place, timeout_ms=_ANSWER_MS)
        if position is None:
            raise self._absent()
        return position

    def _require_topics(self) -> None:
        absent = {full_name(topic, self._prefix) for topic in TOPICS} - self._consumer.topics()
        if absent:
            raise UserError(f"Kafka has no topic {', '.join(sorted(absent))}", "run `kiosque setup`")

    def _read_committed_offsets(self, topic: KafkaTopic) -> Offsets:
        """What the stage that reads the topic has committed; nothing for a topic that no stage reads."""
        stage = STAGE_OF.get(topic.name)
        if stage is None:
            return {}
        consumer = self._new_consumer(f"{self._prefix}kiosque-{stage}")
        try:
            found = {place.partition: consumer.committed(place, timeout_ms=_ANSWER_MS) for place in self._places(topic)}
        finally:
            consumer.close(autocommit=False)
        return {number: offset for number, offset in found.items() if offset is not None}

    def _last_offsets(self, topic: KafkaTopic) -> Offsets:
        consumer = self._new_consumer(None, isolation_level="read_uncommitted")
        try:
            ends = consumer.end_offsets(self._places(topic), timeout_ms=_ANSWER_MS)
        finally:
            consumer.close()
        return {place.partition: end for place, end in ends.items()}

    def _by_partition(self, question: str, topic: KafkaTopic) -> Offsets:
        answers = getattr(self._consumer, question)(self._places(topic), timeout_ms=_ANSWER_MS)
        return {place.partition: offset for place, offset in answers.items()}

    def _places(self, topic: KafkaTopic) -> list[TopicPartition]:
        return [TopicPartition(full_name(topic, self._prefix), number) for number in range(topic.partitions)]

    def _new_consumer(self, group: str | None, isolation_level: str = "read_committed") -> Any:
        return KafkaConsumer(
            bootstrap_servers=self._kafka.split(","),
            client_id="kiosque-audit",
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level,
            max_poll_records=_MOST_AT_ONCE,
            fetch_max_bytes=_FETCH_BYTES,
            max_partition_fetch_bytes=_FETCH_BYTES // 2,
            reconnect_backoff_max_ms=1000,
            bootstrap_timeout_ms=KAFKA_ANSWER_MS,
            allow_auto_create_topics=False,
        )

    def _absent(self) -> ServerAbsent:
        return ServerAbsent(f"no Kafka answers at {self._kafka}", "start it, or correct KIOSQUE_KAFKA")

"""Reading our own topics back: the state of a partition, and an article's former reading."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord
from kafka import KafkaAdminClient
from kafka.errors import KafkaError as KafkaPythonError

from processors.state_format import StateFormatError
from schemas.kafka_topics import KafkaTopic, full_name

_POLL_MS: Final = 200
KEPT_BYTES: Final = 64 << 20
_ADMIN_MS: Final = 5_000


class StateTopic:
    """The compacted topic that holds a stage's memory, one partition for each partition of its input."""

    def __init__(self, kafka: str, topic_prefix: str, kafka_topic: KafkaTopic) -> None:
        self._kafka = kafka
        self._name = full_name(kafka_topic, topic_prefix)

    async def read(self, partition: int, load: Callable[[bytes, bytes | None], None]) -> int:
        """Hand every committed record of the partition to `load`, in order; returns how many there were.

        To be called after the partition's writer has started: then no former owner can write any more, and the end of
        the log is the end of the state.

        Raises:
            StateFormatError: the last record of a key cannot be read. One that a later record of its key replaces does
                not count: until the log is compacted it stands before the record that mended it.
        """
        place = TopicPartition(self._name, partition)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        await consumer.start()
        try:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            await consumer.seek_to_beginning(place)
            count = 0
            damaged: dict[bytes, StateFormatError] = {}
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=5000)).values():
                    for record in records:
                        damaged.pop(record.key, None)
                        try:
                            load(record.key, record.value)
                        except StateFormatError as error:
                            damaged[record.key] = error
                    count += len(records)
            for first in damaged.values():
                raise first
            return count
        finally:
            await consumer.stop()


class FormerReadings:
    """Records of the input topic, by offset: what an article was before it was revised.

    Retention deletes old records, and a seek to an expired offset silently gives a later one: so offset and key are
    both checked, and None says that the former text is no longer held. What was read last is kept, because most
    revisions come soon: asking Kafka costs 2 to 5 ms, which halved the stage's speed with one revision in seven.
    """

    def __init__(self, kafka: str, topic_prefix: str, kafka_topic: KafkaTopic) -> None:
        self._name = full_name(kafka_topic, topic_prefix)
        self._kafka = kafka
        self._consumer: AIOKafkaConsumer | None = None
        self._one_at_a_time = asyncio.Lock()
        self._kept: OrderedDict[tuple[int, int, bytes], bytes] = OrderedDict()
        self._kept_bytes = 0

    def keep(self, partition: int, offset: int, key: bytes, value: bytes) -> None:
        """Hold a record that may soon be asked for, in place of the oldest that are held."""
        if (partition, offset, key) not in self._kept:
            self._kept[partition, offset, key] = value
            self._kept_bytes += len(value)
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])

    async def read(self, partition: int, offset: int, key: bytes) -> bytes | None:
        """The value of the record at `offset`, or None if it is gone."""
        kept = self._kept.get((partition, offset, key))
        if kept is not None:
            return kept
        async with self._one_at_a_time:
            found = await self._one_record(TopicPartition(self._name, partition), offset)
        if found is None or found.offset != offset or found.key != key or found.value is None:
            return None
        return bytes(found.value)

    async def _one_record(self, place: TopicPartition, offset: int) -> ConsumerRecord | None:
        consumer = await self._started()
        consumer.assign([place])
        consumer.seek(place, offset)
        try:
            found = await consumer.getmany(place, timeout_ms=10 * _POLL_MS, max_records=1)
        except OffsetOutOfRangeError:
            return None
        return next(iter(found.get(place, ())), None)

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._kafka, enable_auto_commit=False, auto_offset_reset="none"
            )
            await consumer.start()
            self._consumer = consumer
        return self._consumer


async def topic_id(kafka: str, name: str) -> str:
    """The id that Kafka gave the topic when it was made. aiokafka 0.14 cannot ask for it, kafka-python can.

    Raises:
        KafkaError: it cannot be told.
    """
    return await asyncio.to_thread(_topic_id, kafka, name)


def _topic_id(kafka: str, name: str) -> str:
    admin = KafkaAdminClient(bootstrap_servers=kafka.split(","), bootstrap_timeout_ms=_ADMIN_MS)
    try:
        found = admin.describe_topics([name])
        return str(found[0]["topic_id"])
    except (LookupError, KafkaPythonError) as error:
        raise KafkaError(f"the id of {name} cannot be told: {error}") from error
    finally:
        admin.close()

"""articles.enriched as a replay reads it: one partition after the other, committed records only, without a group."""

from collections.abc import AsyncIterator, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from deploy.replay.portions import EnrichedRecord
from schemas import kafka_topics
from schemas.kafka_topics import full_name

_AT_ONCE: Final = 1_000
_POLL_MS: Final = 100
_SILENT_POLLS: Final = 300


class EnrichedLog:
    """A reader. Its methods are used one after the other, never two at a time."""

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._name = full_name(kafka_topics.ENRICHED, topic_prefix)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Let go of the connection."""
        await self._consumer.stop()

    async def extent(self, partitions: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
        """First offset, and the offset behind the last committed record, of each partition."""
        places = [TopicPartition(self._name, number) for number in partitions]
        begins = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        return {place.partition: begins[place] for place in places}, {place.partition: ends[place] for place in places}

    async def records(self, partition: int, start: int, end: int) -> AsyncIterator[list[EnrichedRecord]]:
        """The records from `start` to before `end`, in order; an empty list while Kafka gives none.

        Raises:
            KafkaConnectionError: it has given none for half a minute.
        """
        place = TopicPartition(self._name, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, start)
        silent = 0
        while await self._consumer.position(place) < end:
            polled = await self._consumer.getmany(place, timeout_ms=_POLL_MS, max_records=_AT_ONCE)
            found = polled.get(place, [])
            silent = 0 if found else silent + 1
            if silent == _SILENT_POLLS:
                raise KafkaConnectionError(f"{self._name} cannot be read")
            yield [EnrichedRecord(r.offset, r.key or b"", r.value) for r in found if r.offset < end]

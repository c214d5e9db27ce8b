"""How much of what was written the worker `reenrich` has not done yet.

The group's lag would not do: it counts the markers of transactions, and the records of aborted ones, which no worker
ever commits. So the topic is read alongside and its committed records are counted.
"""

from collections import deque
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas import kafka_topics
from schemas.kafka_topics import full_name

_POLL_MS: Final = 200


class Backlog:
    """The records of articles.reenrich at and behind the offset that the worker's group has committed.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._place = TopicPartition(full_name(kafka_topics.REENRICH, topic_prefix), 0)
        self._group = f"{topic_prefix}kiosque-reenrich"
        self._admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        self._offsets: deque[int] = deque()
        self._committed = 0
        self._unseen = 0

    async def start(self) -> None:
        """Connect, and read what waits already.

        To be called after the writer has started: then nothing of a former one is open any more.
        """
        await self._admin.start()
        await self._consumer.start()
        self._consumer.assign([self._place])
        self._committed = await self._committed_offset()
        self._consumer.seek(self._place, self._committed)
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        while await self._consumer.position(self._place) < end:
            await self._read(_POLL_MS)

    async def stop(self) -> None:
        """Let go of the connections."""
        await self._consumer.stop()
        await self._admin.close()

    def wrote(self, count: int) -> None:
        """So many records were just committed: they wait, even if they cannot be read yet."""
        self._unseen += count

    async def waiting(self) -> int:
        """How many records the worker has not done."""
        self._committed = await self._committed_offset()
        self._unseen = max(0, self._unseen - await self._read(0))
        while self._offsets and self._offsets[0] < self._committed:
            self._offsets.popleft()
        return len(self._offsets) + self._unseen

    async def worker_is_there(self) -> bool:
        """Whether any worker reads the topic now; True if that cannot be told."""
        try:
            (answer,) = await self._admin.describe_consumer_groups([self._group])
            return bool(answer.to_object()["groups"][0]["members"])
        except KafkaError:
            return True

    async def _read(self, timeout_ms: int) -> int:
        found = (await self._consumer.getmany(self._place, timeout_ms=timeout_ms)).get(self._place, [])
        self._offsets.extend(record.offset for record in found)
        return len(found)

    async def _committed_offset(self) -> int:
        """The group's offset; the last one known while its coordinator cannot be found, as on a new broker."""
        try:
            found = await self._admin.list_consumer_group_offsets(self._group, partitions=[self._place])
        except KafkaError as error:
            if not error.retriable:
                raise
            return self._committed
        return max(0, found[self._place].offset) if self._place in found else self._committed

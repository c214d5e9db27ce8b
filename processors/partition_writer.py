"""Outputs, state and traces of one batch, all or none: the transactions of one input partition.

    start()            take the partition over: Kafka fences the former owner and aborts what it left open
    write(records)     one transaction; returns when Kafka has committed it
    stop()             leave

Whole record batches are handed to Kafka (five times the speed of one send a record). Any error means that this process
no longer knows what Kafka holds: the caller ends the process, and the next owner starts from the committed state.
Without a transactional id it only writes: for the stage whose duplicates the next one drops.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from processors.records import Outgoing
from schemas.failpoints import failpoint
from schemas.kafka_topics import KafkaTopic, full_name

MAX_BATCH_BYTES: Final = 900_000
REQUEST_TIMEOUT_MS: Final = 30_000
TRANSACTION_TIMEOUT_MS: Final = 60_000


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every Kafka client's default partitioner gives a key: positive murmur2, modulo."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


class RecordWriter:
    """An idempotent producer that sends whole record batches.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
        transactional_id: of the partition; None writes without transactions.
        name: of the stage, for its failpoint between sending and committing.
    """

    def __init__(self, kafka: str, topic_prefix: str, transactional_id: str | None = None, *, name: str = "") -> None:
        self._name = name
        self._prefix = topic_prefix
        self._transactional_id = transactional_id
        self._producer = AIOKafkaProducer(
            bootstrap_servers=kafka,
            transactional_id=transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            enable_idempotence=True,
            acks="all",
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=8 * MAX_BATCH_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Connect; with a transactional id, also take over from any former owner."""
        await self._producer.start()

    async def stop(self) -> None:
        """Close the connection; an open transaction is left to Kafka's timeout or the next owner."""
        await self._producer.stop()

    async def write(self, records: Sequence[Outgoing]) -> None:
        """Write the records; returns when all are acknowledged, and committed if the writer is transactional."""
        if not records:
            return
        if self._transactional_id is None:
            await self._send(records)
            return
        async with self._producer.transaction():
            await self._send(records)
            failpoint(f"{self._name}.after_send")

    async def _send(self, records: Iterable[Outgoing]) -> None:
        batches: dict[tuple[KafkaTopic, int], BatchBuilder] = {}
        acknowledged: list[asyncio.Future[object]] = []
        for record in records:
            partition = record.partition
            if partition is None:
                partition = partition_of(record.key, record.kafka_topic.partitions)
            place = (record.kafka_topic, partition)
            batch = batches.get(place)
            if batch is None or not _append(batch, record):
                if batch is not None:
                    acknowledged.append(await self._send_batch(place, batch))
                batch = batches[place] = self._producer.create_batch()
                if not _append(batch, record):
                    raise ValueError(f"a record of {len(record.value or b'')} bytes is over the limit")
        for place, batch in batches.items():
            acknowledged.append(await self._send_batch(place, batch))
        await asyncio.gather(*acknowledged)

    async def _send_batch(self, place: tuple[KafkaTopic, int], batch: BatchBuilder) -> "asyncio.Future[object]":
        kafka_topic, partition = place
        name = full_name(kafka_topic, self._prefix)
        return await self._producer.send_batch(batch, name, partition=partition)  # type: ignore[no-any-return]


def _append(batch: BatchBuilder, record: Outgoing) -> bool:
    added = batch.append(key=record.key, value=record.value, headers=record.headers or [], timestamp=None)
    return added is not None

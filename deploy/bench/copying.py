"""The comparison: reads a topic and writes the same bytes to another, as fast as the library goes, deciding nothing.

python -m deploy.bench.copying KAFKA SOURCE TARGET GROUP
"""

import asyncio
import sys
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

_BATCH: Final = 300


async def copy_for_ever(kafka: str, source: str, target: str, group: str) -> None:
    """Copy until the process is ended; commits after each acknowledged batch."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=kafka,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, enable_idempotence=True, acks="all", max_batch_size=900_000, max_request_size=8 << 20
    )
    await consumer.start()
    await producer.start()
    while True:
        found = await consumer.getmany(timeout_ms=200, max_records=_BATCH)
        sent = []
        for place, messages in found.items():
            batch = producer.create_batch()
            for message in messages:
                if batch.append(key=message.key, value=message.value, timestamp=None) is None:
                    sent.append(await producer.send_batch(batch, target, partition=place.partition))
                    batch = producer.create_batch()
                    batch.append(key=message.key, value=message.value, timestamp=None)
            sent.append(await producer.send_batch(batch, target, partition=place.partition))
        await asyncio.gather(*sent)
        if sent:
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(copy_for_ever(*sys.argv[1:5]))

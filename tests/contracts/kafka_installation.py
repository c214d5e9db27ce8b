"""An installation of our topics under a prefix of its own, for contract suites that run on the real Kafka."""

import uuid
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from schemas.kafka_topics import KafkaTopic, full_name, topic_config


def create_topics(bootstrap: str, *topics: KafkaTopic) -> str:
    """Create the topics under a new prefix and return it."""
    prefix = f"contract-{uuid.uuid4().hex[:8]}."
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics(
            [
                NewTopic(full_name(topic, prefix), topic.partitions, 1, topic_configs=topic_config(topic))
                for topic in topics
            ]
        )
    finally:
        admin.close()
    return prefix


def read_topic(bootstrap: str, topic: KafkaTopic, prefix: str) -> list[Any]:
    """All records of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        parts = [TopicPartition(full_name(topic, prefix), number) for number in range(topic.partitions)]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        records: list[Any] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for batch in consumer.poll(timeout_ms=500).values():
                records.extend(batch)
        return records
    finally:
        consumer.close()

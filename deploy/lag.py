"""How far each stage is behind: the end of its input less what its consumer group has committed."""

import time
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from deploy.errors import ServerAbsent
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name

_ATTEMPTS: Final = 6
_RETRY_SECONDS: Final = 0.5

INPUTS: Final[dict[str, tuple[KafkaTopic, ...]]] = {
    "dedupe": (kafka_topics.FETCHED,),
    "enrich": (kafka_topics.UNIQUE,),
    "reenrich": (kafka_topics.REENRICH,),
    "cluster": (kafka_topics.TAGGED,),
    "index": (kafka_topics.ENRICHED, kafka_topics.TRACE, kafka_topics.REDELIVERED),
}


@dataclass(frozen=True)
class StageLag:
    """One stage's input.

    Attributes:
        taken: messages up to the committed offsets, transaction markers included.
        waiting: messages after them, transaction markers included.
    """

    stage: str
    taken: int
    waiting: int


def stage_lags(kafka: str, topic_prefix: str) -> tuple[StageLag, ...]:
    """The lag of every stage that reads from Kafka.

    Raises:
        ServerAbsent: Kafka does not answer.
    """
    servers = kafka.split(",")
    try:
        admin = KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=KAFKA_ANSWER_MS)
        consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, enable_auto_commit=False)
    except (KafkaError, OSError) as error:
        raise ServerAbsent(f"no Kafka answers at {kafka}", "start it, or correct KIOSQUE_KAFKA") from error
    try:
        return tuple(_stage_lag(admin, consumer, topic_prefix, stage) for stage in INPUTS)
    finally:
        consumer.close()
        admin.close()


def _stage_lag(admin: Any, consumer: Any, topic_prefix: str, stage: str) -> StageLag:
    places = [
        TopicPartition(full_name(topic, topic_prefix), number)
        for topic in INPUTS[stage]
        for number in range(topic.partitions)
    ]
    ends = consumer.end_offsets(places)
    begins = consumer.beginning_offsets(places)
    group = f"{topic_prefix}kiosque-{stage}"
    committed = _committed(admin, group)
    taken = sum(max(0, committed.get(place, begins[place]) - begins[place]) for place in places)
    waiting = sum(ends[place] - max(begins[place], committed.get(place, begins[place])) for place in places)
    return StageLag(stage, taken, waiting)


def _committed(admin: Any, group: str) -> dict[TopicPartition, int]:
    """The group's offsets; none for a group that Kafka cannot find after some seconds (a new broker has no groups)."""
    for attempt in range(_ATTEMPTS):
        try:
            found = admin.list_group_offsets(group)
        except KafkaError as error:
            if not error.retriable or attempt == _ATTEMPTS - 1:
                break
            time.sleep(_RETRY_SECONDS)
        else:
            return {place: value.offset for place, value in found.get(group, found).items() if value.offset >= 0}
    return {}

"""Make the Kafka topics that are missing, and say how those that exist differ from the contract."""

from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from deploy.errors import ServerAbsent, UserError
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name, topic_config

KAFKA_ANSWER_MS: Final = 3_000
"""How long a command waits for Kafka's first answer."""


@dataclass(frozen=True)
class TopicsReport:
    """What `ensure_topics` did.

    Attributes:
        created: names of new topics.
        existing: names of those that were there.
    """

    created: tuple[str, ...]
    existing: tuple[str, ...]


def ensure_topics(kafka: str, topic_prefix: str, replication_factor: int = 1) -> TopicsReport:
    """Create what is missing; idempotent, and never changes a topic that is there.

    Raises:
        ServerAbsent: Kafka does not answer.
        UserError: a topic has another number of partitions than the contract, or Kafka refuses to create one.
    """
    admin = _admin(kafka)
    try:
        found = {entry["name"]: len(entry["partitions"]) for entry in admin.describe_topics()}
        wrong = [_difference(topic, topic_prefix, found) for topic in kafka_topics.ALL]
        if differences := [line for line in wrong if line]:
            raise UserError(
                f"Kafka's topics do not fit: {'; '.join(differences)}",
                "set another topic_prefix, or delete these topics if nothing in them is needed",
            )
        missing = [topic for topic in kafka_topics.ALL if full_name(topic, topic_prefix) not in found]
        for topic in missing:
            _create(admin, topic, topic_prefix, replication_factor)
    except KafkaError as error:
        raise UserError(f"Kafka refused to describe or create topics ({error})", "check its permissions") from error
    finally:
        admin.close()
    names = tuple(full_name(topic, topic_prefix) for topic in missing)
    existing = tuple(full_name(topic, topic_prefix) for topic in kafka_topics.ALL if topic not in missing)
    return TopicsReport(names, existing)


def _admin(kafka: str) -> Any:
    try:
        return KafkaAdminClient(
            bootstrap_servers=kafka.split(","), client_id="kiosque-setup", bootstrap_timeout_ms=KAFKA_ANSWER_MS
        )
    except (OSError, KafkaError) as error:
        raise ServerAbsent(f"no Kafka answers at {kafka}", "start it, or correct KIOSQUE_KAFKA") from error


def _difference(topic: KafkaTopic, prefix: str, found: dict[str, int]) -> str | None:
    name = full_name(topic, prefix)
    partitions = found.get(name)
    if partitions is None or partitions == topic.partitions:
        return None
    return f"{name} has {partitions} partitions instead of {topic.partitions}"


def _create(admin: Any, topic: KafkaTopic, prefix: str, replication_factor: int) -> None:
    wanted = NewTopic(
        name=full_name(topic, prefix),
        num_partitions=topic.partitions,
        replication_factor=replication_factor,
        topic_configs=topic_config(topic),
    )
    try:
        admin.create_topics([wanted])
    except TopicAlreadyExistsError:
        return  # another setup was quicker; it made the same one

"""What an agent takes and gives: Kafka records without Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.headers import Headers
from schemas.kafka_topics import KafkaTopic


@dataclass(frozen=True, slots=True)
class Arrival:
    """One record of a stage's input topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to write.

    Attributes:
        partition: None for the partition of the key, as every other Kafka client would choose it.
        value: None is a tombstone.
    """

    kafka_topic: KafkaTopic
    key: bytes
    value: bytes | None
    headers: Headers | None = None
    partition: int | None = None

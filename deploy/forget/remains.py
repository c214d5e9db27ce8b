"""Where the text of forgotten articles remains, and until when. Pure.

An order deletes what we can delete. Kafka deletes by age and by whole segments, Elasticsearch when it merges; copies
that somebody else made are out of reach. The person who asked must know, and may have to tell somebody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name

SEGMENT_DAYS: Final = 7
"""Kafka deletes a segment when its youngest record is too old, and begins a new one after a week (log.roll.hours)."""

_TEXTS: Final = (
    kafka_topics.FETCHED,
    kafka_topics.UNIQUE,
    kafka_topics.REENRICH,
    kafka_topics.TAGGED,
    kafka_topics.REDELIVERED,
    kafka_topics.DEAD,
)


@dataclass(frozen=True)
class Remain:
    """One place.

    Attributes:
        where: its name.
        until: the latest moment, None if that is not known.
        what: what remains there and what ends it, as a clause.
    """

    where: str
    until: datetime | None
    what: str


def remains(topic_prefix: str, now: datetime) -> tuple[Remain, ...]:
    """All places, for an order that is given now."""
    return (
        *_on_kafka(topic_prefix, now),
        Remain(
            full_name(kafka_topics.ENRICHED, topic_prefix), None, "texts, until Kafka compacts the partition by itself"
        ),
        Remain(
            full_name(kafka_topics.FEEDS_STATE, topic_prefix),
            None,
            "what a feed said of a page that still waits to be fetched, until its turn comes",
        ),
        Remain("Elasticsearch", None, "deleted documents, until their segments are merged; snapshots, until deleted"),
        Remain("elsewhere", None, "your own exports, and what subscribers keep who ignore withdrawals"),
    )


def _on_kafka(topic_prefix: str, now: datetime) -> Iterator[Remain]:
    for topic in _TEXTS:
        yield Remain(full_name(topic, topic_prefix), _last_day(topic, now), "texts; no service publishes them any more")
    trace = kafka_topics.TRACE
    yield Remain(full_name(trace, topic_prefix), _last_day(trace, now), "titles and addresses")


def _last_day(topic: KafkaTopic, now: datetime) -> datetime | None:
    return None if topic.retention_days is None else now + timedelta(days=topic.retention_days + SEGMENT_DAYS)

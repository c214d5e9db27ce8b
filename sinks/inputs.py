"""The topics that the sink reads, and what a record of each is.

articles.enriched      an article, or the null that withdraws one
articles.trace         a trace
articles.redelivered   a dead letter of ours, tried again: what it was on the topic that its header names
"""

from typing import NamedTuple

import msgspec

from schemas.headers import DEAD_LETTER, dead_letter_of
from schemas.kafka_topics import ENRICHED, REDELIVERED, TRACE, full_name
from schemas.messages import DeadLetter
from sinks.operations import Kind, SetAside
from sinks.records import Partition, Record


class Origin(NamedTuple):
    """Where a record came from at first."""

    partition: Partition
    offset: int


class Inputs:
    """The input topics of one installation.

    Args:
        topic_prefix: of the installation.
    """

    def __init__(self, topic_prefix: str) -> None:
        self._kinds: dict[str, Kind] = {
            full_name(ENRICHED, topic_prefix): "article",
            full_name(TRACE, topic_prefix): "trace",
        }
        self._redelivered = full_name(REDELIVERED, topic_prefix)

    @property
    def kafka_topics(self) -> tuple[str, ...]:
        """Their full names."""
        return (*self._kinds, self._redelivered)

    def is_redelivered(self, record: Record) -> bool:
        """Whether it is a dead letter that is tried again."""
        return record.partition.kafka_topic == self._redelivered

    def kind(self, record: Record) -> Kind | SetAside:
        """What the record is; it is set aside if its letter does not tell."""
        kafka_topic = record.partition.kafka_topic
        if self.is_redelivered(record):
            letter = letter_of(record)
            if letter is None:
                return SetAside("invalid_message", f"no header {DEAD_LETTER} that can be read says what it was")
            kafka_topic = letter.kafka_topic
        kind = self._kinds.get(kafka_topic)
        return kind or SetAside("invalid_message", f"the sink does not read {kafka_topic!r}, where it was set aside")

    def origin(self, record: Record) -> Origin:
        """Where the record came from before it was set aside for the first time.

        A letter that fails again must go on naming that place: `articles.redelivered` would not tell its kind.
        """
        letter = letter_of(record) if self.is_redelivered(record) else None
        if letter is None or letter.kafka_topic not in self._kinds:
            return Origin(record.partition, record.offset)
        return Origin(Partition(letter.kafka_topic, letter.partition), letter.offset)


def letter_of(record: Record) -> DeadLetter | None:
    """The dead letter that the record was before; None if it was none, or its header is not ours to read."""
    try:
        return dead_letter_of(record.headers)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

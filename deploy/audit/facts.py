"""The facts that an audit is made of: 48 bytes each, whatever the record was. Pure.

A fact says that something stands somewhere: a reading of an article on articles.fetched, a version on
articles.enriched, a document in the index. All facts of one article have its id as key, so the articles can be judged
one by one (verdicts.py). Records that belong to no article have a key made of their place.
"""

import hashlib
import re
import struct
from enum import IntEnum
from typing import Final, NamedTuple

from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic

TOPICS: Final[tuple[KafkaTopic, ...]] = (
    kafka_topics.FETCHED,
    kafka_topics.UNIQUE,
    kafka_topics.REENRICH,
    kafka_topics.TAGGED,
    kafka_topics.ENRICHED,
    kafka_topics.TRACE,
    kafka_topics.DEAD,
    kafka_topics.REDELIVERED,
)
"""What is read, in this order. Their position is their number in facts."""

TOPIC_NUMBER: Final = {topic.name: number for number, topic in enumerate(TOPICS)}

_ARTICLE_ID: Final = re.compile(rb"[0-9a-f]{32}")


class Kind(IntEnum):
    """What a fact says; what `number` and `extra` are, where they are anything."""

    READING = 1
    """On articles.fetched; number: fetched_at in microseconds since 1970."""
    WITHDRAWAL_ASKED = 2
    """On articles.fetched."""
    UNIQUE = 3
    """On articles.unique; number: revision, extra: fetched_at in microseconds."""
    UNIQUE_WITHDRAWAL = 4
    """On articles.unique; number: revision."""
    REENRICH = 5
    """On articles.reenrich; number: version."""
    TAGGED = 6
    """On articles.tagged; number: version."""
    TAGGED_WITHDRAWAL = 7
    """On articles.tagged; number: the version that the withdrawal has at least."""
    ENRICHED = 8
    """On articles.enriched; number: version."""
    ENRICHED_NULL = 9
    """The null of a withdrawal on articles.enriched; number: version."""
    DEDUPED = 10
    """A trace of dedupe; code: disposition, number: first half of the trace_id, extra: revision or 0."""
    FOREIGN = 11
    """A trace `not_french`; code: 1 for reenrich, 0 for enrich; number: revision."""
    LETTER = 12
    """A dead letter, open or closed; code, partition, offset: of the record that was set aside; number: its version
    where a header says it, else 0."""
    DOCUMENT = 13
    """In the articles index; number: version."""
    REVISION = 14
    """In the revisions index; number: revision, extra: version."""
    MARK = 15
    """Nothing but that the article is under way."""
    UNREADABLE = 16
    """A record that tells no article, keyed by its place; code: topic."""
    LETTER_AT = 17
    """A dead letter, keyed by the place of the record that was set aside."""


class Flag:
    """What else is true of a fact: bits. No enum, whose operators take a microsecond each, for millions of facts."""

    PENDING: Final = 1
    """The stage that reads it has not come to it: the article is under way."""
    RESENT: Final = 2
    """A dead letter tried again: a second record of what was there before."""
    COVERED: Final = 4
    """A withdrawal order covers it."""
    ELSEWHERE: Final = 8
    """Its time was not written in UTC, so that the trace of its reading cannot be told."""


class Fact(NamedTuple):
    """One fact.

    Attributes:
        key: the article_id's 16 bytes, or of a place.
        kind: see Kind.
        flags: bits, see Flag.
        partition: of the record.
        code: see Kind.
        seconds: when the record was written, since 1970.
        offset: of the record.
        number: see Kind.
        extra: see Kind.
    """

    key: bytes
    kind: int
    flags: int = 0
    partition: int = 0
    code: int = 0
    seconds: int = 0
    offset: int = 0
    number: int = 0
    extra: int = 0


FACT: Final = struct.Struct(">16s4BI3Q")
"""A fact as bytes, the key first."""


class Place(NamedTuple):
    """Where a record stands; the topic without the installation's prefix."""

    kafka_topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.kafka_topic} {self.partition}:{self.offset}"


def article_key(key: bytes | None) -> bytes | None:
    """The 16 bytes of a record key that is an article_id, else None."""
    return bytes.fromhex(key.decode()) if key is not None and _ARTICLE_ID.fullmatch(key) else None


def place_key(place: Place) -> bytes:
    """The key of facts about one place."""
    return hashlib.blake2b(str(place).encode(), digest_size=16, person=b"kiosque-place").digest()

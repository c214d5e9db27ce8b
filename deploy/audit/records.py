"""Kafka records -> facts. Pure; only the fields that an audit needs are decoded, and headers where they suffice.

A record that does not say which article it is of, under its own key, becomes a fact about its place: the stage that
reads it must have set it aside. What only a stage's full decoder refuses is told apart by the dead letter's place.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Final, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from deploy.audit.facts import TOPIC_NUMBER, Fact, Flag, Kind, Place, article_key, place_key
from schemas import kafka_topics
from schemas.articles import Instant
from schemas.headers import REPLAY_OF, dead_letter_of, version_header
from schemas.kafka_topics import KafkaTopic
from schemas.messages import version_of
from schemas.reasons import Disposition
from schemas.withdrawals import WithdrawalOrders

ORDER_SETTLES: Final = timedelta(minutes=10)
"""A younger withdrawal order may still be on its way through the stages."""

DECIDED: Final[tuple[Disposition, ...]] = ("accepted", "not_modified", "revised", "superseded", "withdrawn")
"""What dedupe says of a reading; the position is the code in facts."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ERRORS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_Revision = Annotated[int, Meta(ge=0, lt=1 << 43)]
_Version = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class Read(Protocol):
    """A record as a consumer gives it; `timestamp` in milliseconds since 1970."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class _Fetched(Struct, frozen=True):
    type: Literal["fetched", "withdrawal"]
    article_id: str
    fetched_at: Instant | None = None


class _Unique(Struct, frozen=True):
    type: Literal["unique", "withdrawal"]
    article_id: str
    revision: _Revision = 0
    fetched_at: Instant | None = None


class _Tagged(Struct, frozen=True):
    type: Literal["tagged", "withdrawal"]
    article_id: str
    revision: _Revision = 0
    version: _Version = 0


class _Trace(Struct, frozen=True):
    trace_id: str
    article_id: str
    stage: str
    disposition: str
    revision: _Revision | None = None


class _PublisherPart(Struct, frozen=True):
    id: str


class _Identity(Struct, frozen=True):
    url: str | None = None
    publisher: _PublisherPart | None = None


_FETCHED: Final = msgspec.json.Decoder(_Fetched)
_UNIQUE: Final = msgspec.json.Decoder(_Unique)
_TAGGED: Final = msgspec.json.Decoder(_Tagged)
_TRACE: Final = msgspec.json.Decoder(_Trace)
_IDENTITY: Final = msgspec.json.Decoder(_Identity)


class FactMaker:
    """Makes the facts of records and documents.

    Args:
        topic_prefix: of the installation, as dead letters name their topic.
        orders: what must stay away.
        now: orders that were given shortly before are still being carried out.
    """

    def __init__(self, topic_prefix: str, orders: WithdrawalOrders, now: datetime) -> None:
        self._prefix = topic_prefix
        self._orders = orders
        self._settled_before = now - ORDER_SETTLES

    def of_topic(self, topic: KafkaTopic) -> Callable[[Read, int], Iterable[Fact]]:
        """What makes the facts of this topic's records; its second argument is Flag.PENDING or 0."""
        makers: dict[str, Callable[[Read, int], Iterable[Fact]]] = {
            kafka_topics.FETCHED.name: partial(_readable, kafka_topics.FETCHED, _fetched),
            kafka_topics.UNIQUE.name: partial(_readable, kafka_topics.UNIQUE, _unique),
            kafka_topics.REENRICH.name: partial(_readable, kafka_topics.REENRICH, _reenrich),
            kafka_topics.TAGGED.name: partial(_readable, kafka_topics.TAGGED, _tagged),
            kafka_topics.ENRICHED.name: partial(_readable, kafka_topics.ENRICHED, self._enriched),
            kafka_topics.TRACE.name: _trace,
            kafka_topics.DEAD.name: self._dead,
            kafka_topics.REDELIVERED.name: mark,
        }
        return makers[topic.name]

    def document(self, id_: str, version: int, url: str | None, publisher: str | None) -> Fact | None:
        """A document of the articles index; None if its id is no article's."""
        key = article_key(id_.encode())
        if key is None:
            return None
        return Fact(key, Kind.DOCUMENT, self._coverage(id_, url, publisher), number=version)

    def revision(self, id_: str, version: int, url: str | None, publisher: str | None) -> Fact | None:
        """A document of the revisions index; None if its id is not `article_id:revision`."""
        article, _, number = id_.partition(":")
        key = article_key(article.encode())
        if key is None or not number.isdecimal() or len(number) > len(str(1 << 43)):
            return None
        flags = self._coverage(article, url, publisher)
        return Fact(key, Kind.REVISION, flags, number=int(number), extra=version)

    def _coverage(self, article: str, url: str | None, publisher: str | None) -> int:
        if not len(self._orders):
            return 0
        order = self._orders.covering(article, url, publisher)
        if order is None:
            return 0
        return Flag.COVERED if order.requested_at <= self._settled_before else Flag.PENDING

    def _enriched(self, record: Read, key: bytes, flags: int) -> Fact | None:
        version = version_header(record.headers)
        if version is None or version >= 1 << 63:
            return None
        if record.value is None:
            return _fact(record, key, Kind.ENRICHED_NULL, flags, version)
        if len(self._orders):
            identity = _IDENTITY.decode(record.value)
            publisher = identity.publisher.id if identity.publisher else None
            flags |= self._coverage(key.hex(), identity.url, publisher)
        return _fact(record, key, Kind.ENRICHED, flags, version)

    def _dead(self, record: Read, _pending: int) -> Iterable[Fact]:
        try:
            letter = dead_letter_of(record.headers)
        except _ERRORS:
            return  # `kiosque dead` shows it as unreadable
        if letter is None:
            return  # it closes one; the letter itself is enough
        name = letter.kafka_topic.removeprefix(self._prefix)
        number = TOPIC_NUMBER.get(name)
        if number is None or not 0 <= letter.partition < 1 << 8 or not 0 <= letter.offset < 1 << 63:
            return
        where = place_key(Place(name, letter.partition, letter.offset))
        yield Fact(where, Kind.LETTER_AT)
        key = article_key(record.key)
        if key is not None:
            version = min(version_header(record.headers) or 0, (1 << 63) - 1)
            yield Fact(key, Kind.LETTER, 0, letter.partition, number, _seconds(record), letter.offset, version)


def mark(record: Read, pending: int) -> Iterable[Fact]:
    """That the article of the record is under way, if it is."""
    key = article_key(record.key)
    if pending and key is not None:
        yield Fact(key, Kind.MARK, pending)


def _readable(
    topic: KafkaTopic, make: Callable[[Read, bytes, int], Fact | None], record: Read, pending: int
) -> Iterable[Fact]:
    key = article_key(record.key)
    fact = None
    if key is not None:
        resent = any(name == REPLAY_OF for name, _ in record.headers or ())
        try:
            fact = make(record, key, pending | (Flag.RESENT if resent else 0))
        except _ERRORS:
            fact = None
    if fact is None:
        place = Place(topic.name, record.partition, record.offset)
        number = TOPIC_NUMBER[topic.name]
        fact = Fact(
            place_key(place), Kind.UNREADABLE, pending, record.partition, number, _seconds(record), record.offset
        )
    return (fact,)


def _fetched(record: Read, key: bytes, flags: int) -> Fact | None:
    message = _FETCHED.decode(record.value or b"")
    if not _is_own(record, message.article_id):
        return None
    if message.type == "withdrawal":
        return _fact(record, key, Kind.WITHDRAWAL_ASKED, flags)
    if message.fetched_at is None:
        return None
    if message.fetched_at.utcoffset():
        flags |= Flag.ELSEWHERE
    return _fact(record, key, Kind.READING, flags, _microseconds(message.fetched_at))


def _unique(record: Read, key: bytes, flags: int) -> Fact | None:
    message = _UNIQUE.decode(record.value or b"")
    if not _is_own(record, message.article_id):
        return None
    if message.type == "withdrawal":
        return _fact(record, key, Kind.UNIQUE_WITHDRAWAL, flags, message.revision)
    if message.fetched_at is None:
        return None
    return _fact(record, key, Kind.UNIQUE, flags, message.revision, _microseconds(message.fetched_at))


def _reenrich(record: Read, key: bytes, flags: int) -> Fact | None:
    message = _TAGGED.decode(record.value or b"")
    if not _is_own(record, message.article_id) or message.type == "withdrawal":
        return None
    return _fact(record, key, Kind.REENRICH, flags, message.version)


def _tagged(record: Read, key: bytes, flags: int) -> Fact | None:
    message = _TAGGED.decode(record.value or b"")
    if not _is_own(record, message.article_id):
        return None
    if message.type == "withdrawal":
        return _fact(record, key, Kind.TAGGED_WITHDRAWAL, flags, version_of(message.revision or 1, 0))
    return _fact(record, key, Kind.TAGGED, flags, message.version)


def _trace(record: Read, _pending: int) -> Iterable[Fact]:
    key = article_key(record.key)
    try:
        trace = _TRACE.decode(record.value or b"")
    except _ERRORS:
        return
    if key is None or not _is_own(record, trace.article_id):
        return
    revision = trace.revision or 0
    if trace.stage == "dedupe" and trace.disposition in DECIDED:
        code = DECIDED.index(trace.disposition)
        yield _fact(record, key, Kind.DEDUPED, 0, _half(trace.trace_id), revision, code)
    elif trace.disposition == "not_french":
        yield _fact(record, key, Kind.FOREIGN, 0, revision, code=int(trace.stage == "reenrich"))


def _fact(record: Read, key: bytes, kind: Kind, flags: int, number: int = 0, extra: int = 0, code: int = 0) -> Fact:
    return Fact(key, kind, flags, record.partition, code, _seconds(record), record.offset, number, extra)


def _is_own(record: Read, article_id: str) -> bool:
    return record.key == article_id.encode()


def _seconds(record: Read) -> int:
    return min(max(0, record.timestamp // 1000), (1 << 32) - 1)


def _microseconds(at: datetime) -> int:
    return max(0, (at - _EPOCH) // _MICROSECOND)


def _half(trace_id: str) -> int:
    try:
        return int(trace_id[:16], 16)
    except ValueError:
        return 0


def instant_of(microseconds: int) -> datetime:
    """The moment in a fact, aware UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)

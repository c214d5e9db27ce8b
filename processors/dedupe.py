"""articles.fetched -> articles.unique: each content of each article once, with its revision number.

Pure: the memory of a partition is a dictionary that is always a prefix of its state topic; the agent restores it, hands
it in, and writes what comes out in one transaction (dedupe_agent.py).
"""

from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from processors.changes import change_between
from processors.duplicates import (
    Decision,
    Known,
    New,
    NotModified,
    Redelivery,
    Revision,
    Superseded,
    Withdrawn,
    decide,
)
from processors.fingerprint import fingerprint
from processors.records import Arrival, Outgoing
from processors.stages import Effect, Former, FormerNeeded, StateFormatError, message_of, trace
from schemas import kafka_topics
from schemas.articles import Change
from schemas.codec import decode_fetched, encode
from schemas.messages import FetchedArticle, UniqueArticle, Withdrawal
from schemas.reasons import Disposition

STATE_FORMAT: Final = b"\x01"
"""First byte of every state record; a reader that does not know it must stop, not guess."""

_STATE_ENCODER: Final = msgspec.msgpack.Encoder()
_STATE_DECODER: Final = msgspec.msgpack.Decoder(Known)

_QUIET: Final[dict[type[Decision], Disposition]] = {
    NotModified: "not_modified",
    Superseded: "superseded",
    Withdrawn: "withdrawn",
}


class DedupeMemory:
    """What is known of the articles of one partition."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take over one record of the state topic; null forgets the article."""
        if value is None:
            self._known.pop(key, None)
        elif value[:1] == STATE_FORMAT:
            self._known[key] = _STATE_DECODER.decode(value[1:])
        else:
            raise StateFormatError(f"state.dedupe holds a record of format {value[:1]!r}, this release knows b'\\x01'")

    def get(self, key: bytes) -> Known | None:
        """What is known of an article."""
        return self._known.get(key)


class DedupeStage:
    """The stage's decisions."""

    def effect(
        self, memory: DedupeMemory, arrival: Arrival, former: Former | None, now: datetime
    ) -> Effect | FormerNeeded:
        """What this record causes; the caller loads `Effect.state` into the memory.

        Raises:
            Rejected: the record is not a message of this topic.
        """
        message = message_of(arrival, decode_fetched)
        known = memory.get(message.article_id.encode())
        if isinstance(message, Withdrawal):
            return _withdrawal(known, arrival, message, now)
        digest = fingerprint(message)
        match decide(known, offset=arrival.offset, fetched_at=message.fetched_at, fingerprint=digest):
            case New():
                first = Known(
                    offset=arrival.offset,
                    fetched_at=message.fetched_at,
                    accepted_at=now,
                    discovered_at=message.discovered_at,
                    claimed_at=message.published_at,
                    revision=1,
                    fingerprint=digest,
                )
                return _accepted(message, first, now, None)
            case Revision(number=number, former_offset=offset):
                if former is None:
                    return FormerNeeded(offset)
                assert known is not None  # noqa: S101  # only what is known can be revised
                later = replace(
                    known, offset=arrival.offset, fetched_at=message.fetched_at, revision=number, fingerprint=digest
                )
                return _accepted(message, later, now, change_between(_reading(former), message))
            case Redelivery():
                return Effect()
            case quiet:
                disposition = _QUIET[type(quiet)]
                return Effect(disposition, (_trace(disposition, message, now),))


def _reading(former: Former) -> FetchedArticle | None:
    if former.value is None:
        return None
    message = decode_fetched(former.value)
    return message if isinstance(message, FetchedArticle) else None


def _state(known: Known) -> bytes:
    return STATE_FORMAT + _STATE_ENCODER.encode(known)


def _trace(disposition: Disposition, message: FetchedArticle, now: datetime, revision: int | None = None) -> Outgoing:
    return trace(
        "dedupe",
        disposition,
        article_id=message.article_id,
        attempt=message.fetched_at.isoformat(),
        at=now,
        url=message.url,
        title=message.title,
        publisher_id=message.publisher.id,
        revision=revision,
    )


def _accepted(message: FetchedArticle, known: Known, now: datetime, change: Change | None) -> Effect:
    shared = {name: getattr(message, name) for name in FetchedArticle.__struct_fields__}
    shared["discovered_at"] = known.discovered_at
    unique = UniqueArticle(
        **shared,
        first_published_at=known.claimed_at,
        revision=known.revision,
        accepted_at=known.accepted_at,
        revised_at=now,
        change=change,
    )
    disposition: Disposition = "accepted" if change is None else "revised"
    outputs = (
        Outgoing(kafka_topics.UNIQUE, message.article_id.encode(), encode(unique)),
        _trace(disposition, message, now, known.revision),
    )
    return Effect(disposition, outputs, _state(known))


def _withdrawal(known: Known | None, arrival: Arrival, message: Withdrawal, now: datetime) -> Effect:
    key = message.article_id.encode()
    if known and (arrival.offset <= known.offset or known.withdrawn):
        return Effect()
    revision = known.revision + 1 if known else 1
    at = message.requested_at
    before = known or Known(arrival.offset, at, now, at, None, revision, "")
    state = replace(
        before, offset=arrival.offset, fetched_at=at, revision=revision, fingerprint="", claimed_at=None, withdrawn=True
    )
    numbered = replace(message, revision=revision)
    note = trace(
        "dedupe",
        "withdrawn",
        article_id=message.article_id,
        attempt=str(revision),
        at=now,
        url=message.url,
        detail=message.reason,
        revision=revision,
    )
    return Effect("withdrawn", (Outgoing(kafka_topics.UNIQUE, key, encode(numbered)), note), _state(state))

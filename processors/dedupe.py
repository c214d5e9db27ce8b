"""articles.fetched -> articles.unique: each content of each article once, with its revision number.

Pure: the memory of a partition is a dictionary that is always a prefix of its state topic; the agent restores it, hands
it in, and writes what comes out in one transaction (transactional_agent.py).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from msgspec.structs import replace

from processors.changes import change_between
from processors.duplicates import (
    Decision,
    Known,
    New,
    NotModified,
    Reading,
    Redelivery,
    Revision,
    Superseded,
    Withdrawn,
    decide,
    is_redelivery,
)
from processors.fingerprint import fingerprint
from processors.input_identity import IDENTITY_KEY, InputIdentity
from processors.records import Arrival, Outgoing
from processors.stages import Effect, FormerNeeded, message_of, trace, withdrawal_note
from processors.state_format import StateFormat
from schemas import kafka_topics
from schemas.articles import Change
from schemas.codec import InvalidMessage, decode_fetched, encode
from schemas.messages import FetchedArticle, UniqueArticle, Withdrawal
from schemas.reasons import Disposition
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders

HORIZON: Final = timedelta(days=400)
"""After so long without a new reading an article is forgotten: longer than the index keeps one (DESIGN D5)."""

STATE: Final = StateFormat(kafka_topics.STATE_DEDUPE.name, Known)

_QUIET: Final[dict[type[Decision], Disposition]] = {Superseded: "superseded", Withdrawn: "withdrawn"}


class DedupeMemory:
    """What is known of the articles of one partition, and of its input topic."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self.input = InputIdentity()

    def __len__(self) -> int:
        return len(self._known)

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take over one record of the state topic; null forgets the article.

        Raises:
            StateFormatError: the record cannot be read.
        """
        if key == IDENTITY_KEY:
            self.input.load(value)
        elif value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = STATE.decode(value)

    def identify(self, topic_id: str) -> bytes | None:
        """Note which topic the input is; returns the state record that remembers it, if it is another than before."""
        return self.input.identify(topic_id, remembers_articles=bool(self._known))

    def stale(self, now: datetime) -> Iterator[bytes]:
        """Keys of articles last read more than HORIZON before the latest; withdrawn ones stay for good.

        Measured on the log and on the clock, whichever says less: one that is wrong must not empty the memory.
        """
        latest = max((known.fetched_at for known in self._known.values()), default=None)
        if latest is not None:
            horizon = min(latest, now) - HORIZON
            yield from [k for k, known in self._known.items() if known.fetched_at < horizon and not known.withdrawn]

    def get(self, key: bytes) -> Known | None:
        """What is known of an article."""
        return self._known.get(key)


class DedupeStage:
    """The stage's decisions."""

    asks_for_former = True

    def effect(
        self, memory: DedupeMemory, arrival: Arrival, orders: WithdrawalOrders, now: datetime
    ) -> Effect | FormerNeeded:
        """What this record causes; the caller loads `Effect.state` into the memory.

        Raises:
            Rejected: the record is not a message of this topic.
        """
        message = message_of(arrival, decode_fetched)
        known = memory.get(message.article_id.encode())
        epoch = memory.input.epoch
        if known and is_redelivery(known, arrival.offset, epoch):
            return Effect()
        if isinstance(message, Withdrawal):
            return _withdrawal(known, arrival, epoch, message, now)
        order = orders.covering(message.article_id, message.url, message.publisher.id)
        if order is not None and not (known and known.withdrawn):
            return _withdrawal(known, arrival, epoch, _withdrawal_of(message, order), now)
        return _reading(known, arrival, epoch, message, now)


def _reading(
    known: Known | None, arrival: Arrival, epoch: int, message: FetchedArticle, now: datetime
) -> Effect | FormerNeeded:
    digest = fingerprint(message)
    reading = Reading(arrival.offset, epoch, message.fetched_at, message.reading, digest)
    decision = decide(known, reading)
    if isinstance(decision, Redelivery):
        return Effect()
    if known is None or isinstance(decision, New):
        return _accepted(message, _first(reading, message, now), now, None)
    latest = replace(
        known,
        offset=reading.offset,
        epoch=reading.epoch,
        fetched_at=max(reading.fetched_at, known.fetched_at),
        reading=max(reading.number, known.reading),
        fingerprint=digest,
    )
    if isinstance(decision, Revision):
        return _revised(message, replace(latest, revision=decision.number), decision.former_offset, now)
    if isinstance(decision, NotModified):
        # Remembered, so that a reading from before this one is known to be old; also takes over a new fingerprint.
        return Effect("not_modified", (_trace("not_modified", message, now),), STATE.encode(latest))
    disposition = _QUIET[type(decision)]
    return Effect(disposition, (_trace(disposition, message, now),))


def _first(reading: Reading, message: FetchedArticle, now: datetime) -> Known:
    return Known(
        offset=reading.offset,
        fetched_at=message.fetched_at,
        accepted_at=now,
        discovered_at=message.discovered_at,
        claimed_at=message.published_at,
        revision=1,
        fingerprint=reading.fingerprint,
        reading=message.reading,
        epoch=reading.epoch,
    )


def _revised(message: FetchedArticle, later: Known, former_offset: int | None, now: datetime) -> Effect | FormerNeeded:
    def finish(value: bytes | None) -> Effect:
        return _accepted(message, later, now, change_between(_former(value), message))

    return finish(None) if former_offset is None else FormerNeeded(former_offset, finish)


def _former(value: bytes | None) -> FetchedArticle | None:
    if value is None:
        return None
    try:
        message = decode_fetched(value)
    except InvalidMessage:
        return None
    return message if isinstance(message, FetchedArticle) else None


def _trace(disposition: Disposition, message: FetchedArticle, now: datetime, revision: int | None = None) -> Outgoing:
    note = partial(
        trace, "dedupe", disposition, article_id=message.article_id, attempt=message.fetched_at.isoformat(), at=now
    )
    if disposition == "withdrawn":
        return note()  # nothing more of what must be forgotten
    return note(url=message.url, title=message.title, publisher_id=message.publisher.id, revision=revision)


def _accepted(message: FetchedArticle, known: Known, now: datetime, change: Change | None) -> Effect:
    core = {name: getattr(message, name) for name in FetchedArticle.__struct_fields__ if name != "reading"}
    core["discovered_at"] = known.discovered_at
    unique = UniqueArticle(
        **core,
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
    return Effect(disposition, outputs, STATE.encode(known))


def _withdrawal_of(message: FetchedArticle, order: WithdrawalOrder) -> Withdrawal:
    return Withdrawal(article_id=message.article_id, reason=order.reason, requested_at=order.requested_at)


def _withdrawal(known: Known | None, arrival: Arrival, epoch: int, message: Withdrawal, now: datetime) -> Effect:
    """Marked for good, its revision number above all before. A second withdrawal is passed on under the same number."""
    at = message.requested_at
    before = known or Known(arrival.offset, at, now, at, None, 0, "")
    revision = before.revision if before.withdrawn else before.revision + 1
    state = replace(
        before,
        offset=arrival.offset,
        epoch=epoch,
        revision=revision,
        fingerprint="",
        claimed_at=None,
        withdrawn=True,
    )
    numbered = replace(message, url=None, revision=revision)
    outputs = (
        Outgoing(kafka_topics.UNIQUE, message.article_id.encode(), encode(numbered)),
        withdrawal_note("dedupe", message, revision, now),
    )
    return Effect("withdrawn", outputs, STATE.encode(state))

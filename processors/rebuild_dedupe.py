"""state.dedupe, made again. Pure; see rebuild.py.

Without articles.unique a revision that is under way would be numbered a second time, and cluster would drop one of the
two. Without articles.fetched an older reading that comes again could not be told from a later one by its count.
"""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from processors.dedupe import STATE
from processors.duplicates import Known, NotModified, Reading, Superseded, decide
from processors.fingerprint import fingerprint
from processors.input_identity import IDENTITY_KEY, InputIdentity
from processors.rebuild import Enriched, Existing, Plan
from processors.state_format import StateFormatError
from schemas.articles import Instant
from schemas.codec import InvalidMessage, decode_fetched, decode_unique
from schemas.messages import EnrichedArticle, FetchedArticle, UniqueArticle, Withdrawal, revision_of

NOWHERE: Final = -1
"""Offset of a reading that the input topic does not hold: nothing can be its redelivery."""


class _ReadingHead(Struct, frozen=True, tag_field="type", tag="fetched"):
    """What orders a FetchedArticle among the readings of its article."""

    fetched_at: Instant
    reading: int = 0


_HEADS: Final = msgspec.json.Decoder(_ReadingHead)


def known_of(message: EnrichedArticle | UniqueArticle) -> Known:
    """What dedupe remembered when it let this content through, but for its place on the input topic."""
    if isinstance(message, UniqueArticle):
        fetched_at, discovered_at, claimed_at = message.fetched_at, message.discovered_at, message.first_published_at
    else:
        times = message.timeline
        fetched_at, discovered_at, claimed_at = times.fetched, times.discovered, times.published
    return Known(
        offset=NOWHERE,
        fetched_at=fetched_at,
        accepted_at=message.accepted_at,
        discovered_at=discovered_at,
        claimed_at=claimed_at,
        revision=message.revision,
        fingerprint=fingerprint(message),
    )


def known_withdrawn(revision: int, at: datetime) -> Known:
    """What dedupe remembers of an article that was withdrawn at `at`."""
    return Known(NOWHERE, at, at, at, None, revision, "", withdrawn=True)


class DedupeRebuild:
    """One partition of state.dedupe: feed it the topics in the order of its methods, then ask for the plan."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}
        self._read_before: dict[bytes, tuple[datetime, int]] = {}
        self._undecided: set[bytes] = set()
        self._existing = Existing(STATE)
        self._identity: bytes | None = None

    def enriched(self, record: Enriched) -> None:
        """Take over a record of articles.enriched."""
        if record.message is None:
            self._take(record.key, known_withdrawn(revision_of(record.version), record.at))
        else:
            self._take(record.key, known_of(record.message))

    def unique(self, key: bytes | None, value: bytes | None) -> None:
        """Take over a record of articles.unique; what cannot be read there is for enrich to set aside."""
        try:
            message = decode_unique(value or b"")
        except InvalidMessage:
            return
        if key != message.article_id.encode():
            return
        if isinstance(message, Withdrawal):
            self._take(key, known_withdrawn(message.revision, message.requested_at))
        else:
            self._take(key, known_of(message))

    def _take(self, key: bytes, later: Known) -> None:
        known = self._known.get(key)
        if known is None or (later.withdrawn, later.revision) > (known.withdrawn, known.revision):
            self._known[key] = replace(later, revision=max(later.revision, known.revision if known else 0))

    def fetched(self, key: bytes | None, offset: int, value: bytes | None) -> None:
        """Go along articles.fetched: to the reading that the revision was made of, then while nothing new was read.

        What is known stands behind everything up to there, because all of it has been decided.
        """
        known = self._known.get(key or b"")
        if key is None or known is None or known.withdrawn or key in self._undecided:
            return
        if known.offset == NOWHERE:
            self._look_for(key, known, offset, value or b"")
        else:
            self._go_on(key, known, offset, value or b"")

    def _look_for(self, key: bytes, known: Known, offset: int, value: bytes) -> None:
        try:
            head = _HEADS.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        latest, count = self._read_before.pop(key, (head.fetched_at, 0))
        latest, count = max(latest, head.fetched_at), max(count, head.reading)
        if head.fetched_at == known.fetched_at:
            self._known[key] = replace(known, offset=offset, fetched_at=latest, reading=count)
        else:
            self._read_before[key] = (latest, count)

    def _go_on(self, key: bytes, known: Known, offset: int, value: bytes) -> None:
        try:
            message = decode_fetched(value)
        except InvalidMessage:
            return
        if not isinstance(message, FetchedArticle):
            self._undecided.add(key)
            return
        digest = fingerprint(message)
        decision = decide(known, Reading(offset, known.epoch, message.fetched_at, message.reading, digest))
        if isinstance(decision, NotModified):
            latest, count = max(known.fetched_at, message.fetched_at), max(known.reading, message.reading)
            self._known[key] = replace(known, offset=offset, fetched_at=latest, reading=count)
        elif not isinstance(decision, Superseded):
            self._undecided.add(key)

    def existing(self, key: bytes, value: bytes | None) -> None:
        """Take over a record of the state topic."""
        if key == IDENTITY_KEY:
            self._identity = value
        else:
            self._existing.load(key, value)

    def plan(self, topic_id: str) -> Plan[Known]:
        """What to write; `topic_id` is what Kafka calls the present articles.fetched.

        Without the record that says which topic the remembered offsets belong to, they are worth nothing: what was
        decided then would be taken for a redelivery, or the other way round. They are dropped, contents are compared.
        """
        identity, remembered = InputIdentity(), self._identity is not None
        try:
            identity.load(self._identity)
        except StateFormatError:
            remembered = False
        identity_record = identity.identify(topic_id, remembers_articles=False)
        rebuilt: list[tuple[bytes, Known]] = []
        existing = dict(self._existing.readable)
        for key, known in self._known.items():
            merged = _later(existing.get(key), replace(known, epoch=identity.epoch), equal_counts=remembered)
            if merged is not None:
                rebuilt.append((key, merged))
                existing.pop(key, None)
        if not remembered:
            rebuilt += [(key, replace(k, offset=NOWHERE)) for key, k in existing.items() if k.offset != NOWHERE]
            existing = {key: known for key, known in existing.items() if known.offset == NOWHERE}
        damaged = tuple(sorted(self._existing.damaged - self._known.keys()))
        return Plan(STATE, tuple(rebuilt), damaged, len(existing), identity_record)


def _later(existing: Known | None, rebuilt: Known, *, equal_counts: bool) -> Known | None:
    """What to write in place of the existing record, or None if that one stands."""
    if existing is None:
        return rebuilt
    if existing.withdrawn or (existing.revision > rebuilt.revision and not rebuilt.withdrawn):
        return None
    if rebuilt.withdrawn:
        return replace(rebuilt, revision=max(existing.revision, rebuilt.revision))
    if existing.revision == rebuilt.revision and equal_counts:
        return None
    latest, count = max(existing.fetched_at, rebuilt.fetched_at), max(existing.reading, rebuilt.reading)
    return replace(rebuilt, fetched_at=latest, reading=count)

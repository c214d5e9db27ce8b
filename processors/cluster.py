"""articles.tagged -> articles.enriched: each article with its story, its versions never going back.

Pure, like dedupe.py: memory in, effect out. The stage alone writes articles.enriched and remembers the highest version
of each article; whatever is not above it is dropped, so that a compacted topic never goes back. A known article keeps
its story for good: a revision never clusters again. A copy is not kept for comparison, what it copies stands for it: a
dispatch that a hundred publishers print costs one comparison, not a hundred (docs/decisions/0004).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from processors.clustering import Member, OpenStories
from processors.near_duplicates import Signature, signature
from processors.records import Arrival, Outgoing
from processors.stages import Effect, message_of, trace, withdrawal_note
from processors.state_format import StateFormat
from schemas import kafka_topics
from schemas.codec import decode_tagged, encode
from schemas.headers import article_headers, replay_of
from schemas.labels import Story, StoryRelation
from schemas.messages import EnrichedArticle, TaggedArticle, Withdrawal, revision_of, version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders

HORIZON: Final = timedelta(days=390)
"""After so long without a change an article is forgotten: before dedupe forgets it (400 d) and counts from 1 again,
which would look like an old version here."""


class Clustered(Struct, frozen=True, array_like=True):
    """What cluster remembers of an article: about 600 bytes, nearly all of it the signature.

    Attributes:
        version: the highest written to articles.enriched.
        story_id: None once withdrawn.
        signature: 32-bit values, little-endian; empty for texts too short to compare.
        changed_at: when this version was accepted.
    """

    version: int
    story_id: str | None
    relation: StoryRelation
    accepted_at: datetime
    shingles: int = 0
    signature: bytes = b""
    changed_at: datetime | None = None


STATE: Final = StateFormat(kafka_topics.STATE_CLUSTER.name, Clustered)


class ClusterMemory:
    """Versions and stories of all articles, and the signatures of those in the window."""

    def __init__(self, window: timedelta) -> None:
        self.stories = OpenStories(window)
        self._known: dict[bytes, Clustered] = {}

    def __len__(self) -> int:
        return len(self._known)

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take over one record of the state topic; null forgets the article.

        Raises:
            StateFormatError: the record cannot be read.
        """
        if value is None:
            self._known.pop(key, None)
            self.stories.remove(key.decode(errors="replace"))  # a key that was no article's may be forgotten, too
            return
        known = STATE.decode(value)
        if known.story_id is None:
            self.stories.remove(key.decode())
        elif known.signature and key not in self._known:
            found = Signature(known.signature, known.shingles)
            self.stories.add(Member(key.decode(), known.story_id, known.accepted_at, found))
        self._known[key] = msgspec.structs.replace(known, signature=b"")

    def identify(self, topic_id: str) -> bytes | None:
        """Nothing here depends on offsets of the input, so its identity is not kept."""

    def stale(self, now: datetime) -> Iterator[bytes]:
        """Keys of articles last changed more than HORIZON before the latest; withdrawn ones stay for good."""
        latest = max((_changed_at(known) for known in self._known.values()), default=None)
        if latest is not None:
            horizon = min(latest, now) - HORIZON
            yield from [k for k, known in self._known.items() if known.story_id and _changed_at(known) < horizon]

    def get(self, key: bytes) -> Clustered | None:
        """What is known of an article; its signature is in `stories`."""
        return self._known.get(key)


class ClusterStage:
    """The stage's decisions."""

    asks_for_former = False

    def effect(self, memory: ClusterMemory, arrival: Arrival, orders: WithdrawalOrders, now: datetime) -> Effect:
        """What this record causes; the caller loads `Effect.state` into the memory.

        Raises:
            Rejected: the record is not a message of this topic.
        """
        message = message_of(arrival, decode_tagged)
        known = memory.get(message.article_id.encode())
        if isinstance(message, Withdrawal):
            return _withdrawal(known, message, now)
        if known and (known.story_id is None or message.version <= known.version):
            return _dropped(known, message, replay_of(arrival.headers), now)
        order = orders.covering(message.article_id, message.url, message.publisher.id)
        if order is not None:
            return _withdrawal(known, _withdrawal_of(message, order), now)
        return _clustered(memory, known, message, now)


def _changed_at(known: Clustered) -> datetime:
    return known.changed_at or known.accepted_at


def _dropped(known: Clustered, message: TaggedArticle, letter: str | None, now: datetime) -> Effect:
    """Not above what is known: a redelivery, or a dead letter that was tried again too late, which is worth a note."""
    if letter is None or known.story_id is None or message.version == known.version:
        return Effect()
    note = trace(
        "cluster",
        "superseded",
        article_id=message.article_id,
        attempt=str(message.version),
        at=now,
        url=message.url,
        title=message.title,
        publisher_id=message.publisher.id,
        detail=f"dead letter {letter}; version {known.version} stands",
        revision=message.revision,
    )
    return Effect("superseded", (note,))


def _withdrawal_of(message: TaggedArticle, order: WithdrawalOrder) -> Withdrawal:
    return Withdrawal(
        article_id=message.article_id,
        reason=order.reason,
        requested_at=order.requested_at,
        revision=message.revision,
    )


def _clustered(memory: ClusterMemory, known: Clustered | None, message: TaggedArticle, now: datetime) -> Effect:
    key = message.article_id.encode()
    if known and known.story_id:
        story = Story(id=known.story_id, relation=known.relation)
        state = Clustered(message.version, known.story_id, known.relation, known.accepted_at, known.shingles)
        kept = memory.stories.signature_of(message.article_id)
    else:
        kept = signature(message.text or "") if message.genre != "live" else None
        story = memory.stories.assign(message.article_id, kept, message.accepted_at)
        state = Clustered(message.version, story.id, story.relation, message.accepted_at)
    if kept and story.relation != "copy":
        state = msgspec.structs.replace(state, shingles=kept.shingles, signature=kept.packed)
    state = msgspec.structs.replace(state, changed_at=message.timeline.accepted or message.accepted_at)
    shared = {name: getattr(message, name) for name in TaggedArticle.__struct_fields__}
    shared["timeline"] = msgspec.structs.replace(message.timeline, clustered=now)
    enriched = EnrichedArticle(**shared, story=story)
    headers = article_headers(message.article_id, message.version, message.url, now)
    output = Outgoing(kafka_topics.ENRICHED, key, encode(enriched), headers)
    return Effect("clustered", (output,), STATE.encode(state))


def _withdrawal(known: Clustered | None, message: Withdrawal, now: datetime) -> Effect:
    """The null that withdraws, above every version so far. Withdrawn before: said again, under the same version."""
    if known and known.story_id is None:
        version = known.version
    else:
        version = max(version_of(message.revision or 1, 0), known.version + 1 if known else 0)
    key = message.article_id.encode()
    headers = article_headers(message.article_id, version, message.article_id, now, kind="withdrawn")
    state = Clustered(version, None, "independent", now)
    note = withdrawal_note("cluster", message, revision_of(version), now)
    return Effect("withdrawn", (Outgoing(kafka_topics.ENRICHED, key, None, headers), note), STATE.encode(state))

"""Is this reading of an article new? The decision, in its order.

    offset <= recorded             Redelivery     Kafka gave the record again; its effects stand
    withdrawn                      Withdrawn      withdrawn for good
    older, and not a later change  Superseded     a dead letter tried again, or a poller that woke up late
    same fingerprint               NotModified
    else                           Revision, or New

Offsets are compared only while the input topic is the one they were recorded on (its epoch): on a topic that was made
anew everything would be a redelivery. Older means an earlier `fetched_at` without a higher `reading`: the clock alone
would call every correction old after it was set back, the count alone after a poller's memory was lost.

The decision depends on the prefix of the log only, so that two deliveries agree on (article, revision). In a simulation
of 2,000 crash schedules it made no false revision; the obvious rule "same id and content at an offset <= mine" did in
1,492 (docs/decisions/0002-dedupe-rule.md).
"""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from processors.fingerprint import version_of_fingerprint


class Known(Struct, frozen=True, array_like=True):
    """What dedupe remembers of an article: about 100 bytes, no text.

    Attributes:
        offset: of the last record that had an effect; its text can be read back from the input topic.
        fetched_at: of that reading.
        accepted_at: of the first revision.
        discovered_at: of the first revision: when a feed first showed the article.
        claimed_at: the publisher's first claim of when it was published.
        revision: of that reading, counted from 1.
        fingerprint: of that reading; empty once withdrawn.
        withdrawn: for good.
        reading: of that reading; see FetchedArticle.
        epoch: of the input topic on which `offset` stands.
    """

    offset: int
    fetched_at: datetime
    accepted_at: datetime
    discovered_at: datetime
    claimed_at: datetime | None
    revision: int
    fingerprint: str
    withdrawn: bool = False
    reading: int = 0
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class New:
    """First sight."""


@dataclass(frozen=True, slots=True)
class Revision:
    """Known, with other content."""

    number: int
    former_offset: int | None


@dataclass(frozen=True, slots=True)
class NotModified:
    """Known, with the same content."""


@dataclass(frozen=True, slots=True)
class Redelivery:
    """This very record was decided before."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """An older reading than the one that is known."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The article was withdrawn earlier."""


Decision = New | Revision | NotModified | Redelivery | Superseded | Withdrawn


@dataclass(frozen=True, slots=True)
class Reading:
    """One record of articles.fetched, as far as the decision goes."""

    offset: int
    epoch: int
    fetched_at: datetime
    number: int
    fingerprint: str


def is_redelivery(known: Known, offset: int, epoch: int) -> bool:
    """Whether the record at `offset` has been decided before."""
    return epoch == known.epoch and offset <= known.offset


def decide(known: Known | None, reading: Reading) -> Decision:
    """What a reading is, given what is known of its article."""
    if known is None:
        return New()
    if is_redelivery(known, reading.offset, reading.epoch):
        return Redelivery()
    if known.withdrawn:
        return Withdrawn()
    if reading.fetched_at < known.fetched_at and reading.number <= known.reading:
        return Superseded()
    if is_same_content(known.fingerprint, reading.fingerprint):
        return NotModified()
    held = known.epoch == reading.epoch and known.offset >= 0
    return Revision(known.revision + 1, known.offset if held else None)


def is_same_content(known: str, fingerprint: str) -> bool:
    """Whether two fingerprints say the same; those of different versions cannot be told apart, and count as same."""
    return known == fingerprint or version_of_fingerprint(known) != version_of_fingerprint(fingerprint)

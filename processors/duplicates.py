"""Is this reading of an article new? The decision, in its order.

    offset <= recorded          Redelivery     Kafka gave the record again; its effects stand
    withdrawn                   Withdrawn      withdrawn for good
    fetched_at older            Superseded     a replayed record, older than what is known
    same fingerprint            NotModified
    else                        Revision, or New

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
    """

    offset: int
    fetched_at: datetime
    accepted_at: datetime
    discovered_at: datetime
    claimed_at: datetime | None
    revision: int
    fingerprint: str
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class New:
    """First sight."""


@dataclass(frozen=True, slots=True)
class Revision:
    """Known, with other content."""

    number: int
    former_offset: int


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


def decide(known: Known | None, *, offset: int, fetched_at: datetime, fingerprint: str) -> Decision:
    """What a reading at `offset` is, given what is known of its article."""
    if known is None:
        return New()
    if offset <= known.offset:
        return Redelivery()
    if known.withdrawn:
        return Withdrawn()
    if fetched_at < known.fetched_at:
        return Superseded()
    if fingerprint == known.fingerprint or version_of_fingerprint(fingerprint) != version_of_fingerprint(
        known.fingerprint
    ):
        return NotModified()
    return Revision(known.revision + 1, known.offset)

"""The states of dedupe and cluster, made again from what the stages have published: what both need. Pure.

    articles.enriched   the last word on each article: revision, times, content, story; a tombstone is a withdrawal
    articles.unique     what dedupe has numbered and cluster has not got yet, and articles in other languages
    articles.fetched    where the reading stands that the last revision was made of, and how many there were
    the state topic     what can still be read there and is not behind the others stays as it is

rebuild_dedupe.py and rebuild_cluster.py take the records and make a plan. What only a state knew is lost with it: an
article in another language that is older than articles.unique is new once, and an article that was revised is compared
with others by its present text instead of its first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from processors.input_identity import IDENTITY_KEY
from processors.state_format import StateFormat, StateFormatError
from schemas.codec import InvalidMessage, decode_enriched
from schemas.headers import version_header
from schemas.messages import RUN_BITS, EnrichedArticle

ARTICLE_KEY: Final = re.compile(rb"[0-9a-f]{32}")

_MAX_VERSION: Final = 2**63 - 1

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Enriched:
    """What a record of articles.enriched says; no message is a withdrawal. `at` is when it was said."""

    key: bytes
    version: int
    at: datetime
    message: EnrichedArticle | None


def enriched_of(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], written_at: datetime
) -> Enriched | None:
    """What a record of articles.enriched says, or None if it is not one of ours.

    Args:
        key: of the record.
        value: of the record.
        headers: of the record.
        written_at: the record's timestamp, for a withdrawal whose headers tell no time.
    """
    if key is None or not ARTICLE_KEY.fullmatch(key):
        return None
    at = _event_time(headers) or written_at
    if value is None:
        version = version_header(headers) or 0
        return Enriched(key, version, at, None) if 1 << RUN_BITS <= version <= _MAX_VERSION else None
    try:
        message = decode_enriched(value)
    except InvalidMessage:
        return None
    return Enriched(key, message.version, at, message) if message.article_id.encode() == key else None


def _event_time(headers: Sequence[tuple[str, bytes]]) -> datetime | None:
    for name, value in headers:
        if name == "ce_time":
            try:
                at = datetime.fromisoformat(value.decode())
            except ValueError:
                return None
            return at if at.tzinfo else None
    return None


@dataclass(frozen=True, slots=True)
class Plan(Generic[S]):
    """What to write to one partition of a state topic.

    Attributes:
        state_format: of the topic's records.
        rebuilt: records that were lost, damaged or behind.
        damaged: keys whose record cannot be read and that no other topic knows; they are forgotten.
        kept: how many records stay as they are.
        identity: the record under IDENTITY_KEY if it is a new one.
    """

    state_format: StateFormat[S]
    rebuilt: tuple[tuple[bytes, S], ...]
    damaged: tuple[bytes, ...]
    kept: int
    identity: bytes | None = None

    def records(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Key and value of all records to write; null forgets."""
        if self.identity is not None:
            yield IDENTITY_KEY, self.identity
        for key, state in self.rebuilt:
            yield key, self.state_format.encode(state)
        for key in self.damaged:
            yield key, None


class Existing(Generic[S]):
    """What stands on a partition of a state topic.

    Attributes:
        readable: records of articles.
        damaged: keys of all others, but for those that are forgotten.
    """

    def __init__(self, state_format: StateFormat[S]) -> None:
        self._format = state_format
        self.readable: dict[bytes, S] = {}
        self.damaged: set[bytes] = set()

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take over a record; null forgets."""
        self.readable.pop(key, None)
        self.damaged.discard(key)
        if value is None:
            return
        try:
            state = self._format.decode(value)
        except StateFormatError:
            self.damaged.add(key)
        else:
            if ARTICLE_KEY.fullmatch(key):
                self.readable[key] = state
            else:
                self.damaged.add(key)

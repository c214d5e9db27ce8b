"""The poller's memory as it lies on the topic feeds.state: private to producers, JSON, one format number.

    feed:URL   FeedState: validators, schedule and what was seen, in one record, so that they can never disagree
    page:ID    PendingPage: an entry whose article is not yet acknowledged (outbox); null once it is

A record of an unknown format is ignored: forgetting a feed costs one poll, misreading it would cost articles.
"""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from producers.entries import Entry
from schemas.articles import Publisher

FORMAT: Final = 1


class Seen(Struct, frozen=True, array_like=True):
    """One entry in a feed's memory: hash of what the feed says of it, when it was first shown (Unix seconds), and the
    number of the reading that was asked for because of that (1 for the first sight).
    """

    entry_hash: str
    first_seen: int
    reading: int = 1


class FeedState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of a feed between polls.

    Attributes:
        url: the catalogue's address, also the record's key.
        group: politeness group; decides the partition.
        etag, last_modified: validators, byte-exact as the server sent them, valid for `address`.
        address: where the feed is asked for now: `url`, or where it has moved for good.
        moved_to, moved_count: a permanent redirect and how often in a row it was seen.
        body_hash: of the last body, for servers without validators.
        failures: in a row; 0 after any good answer.
        gone: the server said 410; not asked again.
        seen: entry id -> Seen, the most recently shown last.
    """

    format: int = FORMAT
    url: str
    group: str
    etag: str | None = None
    last_modified: str | None = None
    address: str | None = None
    moved_to: str | None = None
    moved_count: int = 0
    body_hash: str | None = None
    failures: int = 0
    status: str = ""
    gone: bool = False
    last_polled_at: datetime | None = None
    last_read_at: datetime | None = None
    next_poll_at: datetime | None = None
    seen: dict[str, Seen] = {}


class PendingPage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that is to be fetched and published; kept until its article is acknowledged.

    Attributes:
        kind: "new" for the first sight, "changed" for a later one.
        feed: the feed that showed it; feeds: all that are known to have.
        reading: how many readings the feed has asked for, this one included; orders them where clocks cannot.
        attempts: page requests that failed so far, the last of them at last_try_at.
        next_try_at: not before, None = at once.
    """

    format: int = FORMAT
    entry: Entry
    kind: Literal["new", "changed"]
    publisher: Publisher
    feed: str
    feeds: tuple[str, ...] = ()
    group: str
    section: str = ""
    language: str | None = None
    discovered_at: datetime
    reading: int = 1
    attempts: int = 0
    last_try_at: datetime | None = None
    next_try_at: datetime | None = None


Record = FeedState | PendingPage

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "feed": msgspec.json.Decoder(FeedState),
    "page": msgspec.json.Decoder(PendingPage),
}


def record_key(record: Record) -> str:
    """The record's key on the topic."""
    return f"feed:{record.url}" if isinstance(record, FeedState) else f"page:{record.entry.id}"


def encode_record(record: Record) -> bytes:
    """The record as JSON."""
    return _ENCODER.encode(record)


def decode_record(key: str, value: bytes) -> Record | None:
    """The record, or None for one that another version of us wrote or that is damaged."""
    decoder = _DECODERS.get(key.partition(":")[0])
    if decoder is None:
        return None
    try:
        record: Record = decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.format == FORMAT and record_key(record) == key else None

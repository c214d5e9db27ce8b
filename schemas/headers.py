"""Record headers: CloudEvents 1.0, Kafka protocol binding, binary mode (https://cloudevents.io), and our own few.

A subscriber can route and order by headers alone: `ce_type` says what happened to the article, `kiosque_version` orders
everything said of it, also on a tombstone, whose value is null.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import msgspec

from schemas.messages import DeadLetter, LetterClosed, revision_of, run_of

Headers = list[tuple[str, bytes]]
T = TypeVar("T")
EventKind = Literal["created", "revised", "relabelled", "withdrawn"]

VERSION: Final = "kiosque_version"
DEAD_LETTER: Final = "kiosque-dead-letter"
REPLAY_OF: Final = "replay-of"
"""On a dead letter that is tried again: `topic:partition:offset` of the letter."""

LETTER_CLOSED: Final = "kiosque-letter-closed"


def event_kind(version: int) -> EventKind:
    """What a version says of its article: run > 0 is a re-enrichment, revision 1 the first sight, else a revision."""
    if run_of(version) > 0:
        return "relabelled"
    return "created" if revision_of(version) == 1 else "revised"


def article_headers(article_id: str, version: int, url: str, at: datetime, kind: EventKind | None = None) -> Headers:
    """The headers of a record on articles.enriched; `kind` is needed for a withdrawal only."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{article_id}:{version}".encode()),
        ("ce_type", f"fr.kiosque.article.{kind or event_kind(version)}.v1".encode()),
        ("ce_source", b"urn:kiosque:cluster"),
        ("ce_time", at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", url.encode()),
        ("content-type", b"application/json"),
        (VERSION, str(version).encode()),
    ]


def version_header(headers: Sequence[tuple[str, bytes]] | None) -> int | None:
    """The version in a record's headers, or None if it has none that can be read."""
    for name, value in headers or ():
        if name == VERSION and value.isdigit():
            return int(value)
    return None


def dead_letter_headers(original: Sequence[tuple[str, bytes]] | None, letter: DeadLetter) -> Headers:
    """The original headers and, as the last one, why the record was set aside."""
    kept = [(name, value) for name, value in original or () if name != DEAD_LETTER]
    return [*kept, (DEAD_LETTER, msgspec.json.encode(letter))]


def dead_letter_of(headers: Sequence[tuple[str, bytes]] | None) -> DeadLetter | None:
    """The dead letter in a record's headers; None if there is none, or none that can be read.

    Anybody may write a header: a garbled one must not keep its record from being set aside.
    """
    return _in_header(headers, DEAD_LETTER, DeadLetter)


def replay_of(headers: Sequence[tuple[str, bytes]] | None) -> str | None:
    """The letter that this record tries again, or None for a record that comes for the first time."""
    return next((value.decode(errors="replace") for name, value in headers or () if name == REPLAY_OF), None)


def letter_closed_headers(closed: LetterClosed) -> Headers:
    """The headers of the record (its value is null) that says what became of a dead letter."""
    return [(LETTER_CLOSED, msgspec.json.encode(closed))]


def letter_closed_of(headers: Sequence[tuple[str, bytes]] | None) -> LetterClosed | None:
    """What a record says of a dead letter's end; None if it says nothing that can be read."""
    return _in_header(headers, LETTER_CLOSED, LetterClosed)


def _in_header(headers: Sequence[tuple[str, bytes]] | None, name: str, expected: type[T]) -> T | None:
    for found, value in headers or ():
        if found == name:
            try:
                return msgspec.json.decode(value, type=expected)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                return None
    return None

"""Records that no stage of ours writes: of odd sizes, broken, of another type, under another key.

For each the meaning is written down beside it: the slug of its dead letter, or PROCESSED where a record is odd but
defined. Made from one good message of a topic, so that each is wrong in one way only.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tests.services import LogRecord

PROCESSED: Final = "processed"
BROKER_BYTES: Final = 1_048_588
"""max.message.bytes of our topics: of a whole record batch."""

NEARLY_ALL: Final = BROKER_BYTES - 160
"""A value that the broker takes."""


@dataclass(frozen=True)
class Hostile:
    """One record and what must become of it."""

    label: str
    record: LogRecord
    meaning: str


def hostile_records(good: LogRecord, *, other_key: bytes, compacted: bool = False) -> Iterator[Hostile]:
    """Everything that is wrong on any topic whose records are messages under their article_id.

    Args:
        good: a record that is right.
        other_key: another article's.
        compacted: Kafka itself refuses records without key.
    """
    key, value = good.key or b"", good.value or b""
    for label, bytes_ in _broken(value):
        yield Hostile(label, _record(key, bytes_), "invalid_message")
    if not compacted:
        yield Hostile("null key", _record(None, value), "wrong_key")
    yield Hostile("wrong key", _record(other_key, value), "wrong_key")
    yield Hostile("empty key", _record(b"", value), "wrong_key")
    yield Hostile("key of 40 kB", _record(b"k" * 40_000, value), "wrong_key")
    yield Hostile("key that is no text", _record(b"\xff\xfe", value), "wrong_key")
    odd = [("kiosque-dead-letter", b"\xff{"), ("replay-of", b"\xff"), ("kiosque_version", b"-1"), ("", b"")]
    yield Hostile("headers of ours that are not ours, on a broken value", _record(key, b"{}", odd), "invalid_message")
    yield Hostile(
        "dead letter header that is JSON of another kind", _record(key, b"{}", _letter(b"[1]")), "invalid_message"
    )


def defined_records(make: Callable[[str], LogRecord]) -> Iterator[Hostile]:
    """Odd records that are messages all the same, each of an article of its own; `make` gives an article's record."""
    good = make("inconnu")
    more = changed(good.value or b"", {"demain": {"a": [1, None, 1e400]}})
    yield Hostile("unknown fields", good._replace(value=more), PROCESSED)
    good = make("espace")
    yield Hostile("white space around", good._replace(value=b" \n" + (good.value or b"") + b"\n "), PROCESSED)
    good = make("entetes")
    odd = (*good.headers, ("ce_type", b"fr.kiosque.article.created.v9"), ("replay-of", b"\xff"), ("kiosque", b""))
    yield Hostile("headers of another version", good._replace(headers=odd), PROCESSED)


def sized_records(make: Callable[[str], LogRecord], sizes: Mapping[int, str]) -> Iterator[Hostile]:
    """Messages of exactly so many bytes, each of an article of its own; size -> meaning."""
    for size, meaning in sizes.items():
        good = make(f"taille-{size}")
        yield Hostile(f"{size} bytes", good._replace(value=padded(good.value or b"", size)), meaning)


def _broken(value: bytes) -> Iterator[tuple[str, bytes | None]]:
    yield "null value", None
    yield "0 bytes", b""
    yield "1 byte", b"1"
    yield "1 byte that is no text", b"\xff"
    yield "NUL", b"\x00"
    yield "cut off", value[: len(value) // 2]
    yield "two in one", value + value
    yield "byte order mark", b"\xef\xbb\xbf" + value
    yield "UTF-16", value.decode().encode("utf-16")
    yield "invalid UTF-8 in a string", value.replace(b'"article_id":"', b'"article_id":"\xff', 1)
    yield "no object", b"[]"
    yield "empty object", b"{}"
    yield "type of another topic", changed(value, {"type": "withdrawal_order"})
    yield "type of a later version", changed(value, {"type": "fetched.v2"})
    yield "no type", changed(value, {"type": ...})
    yield "required field missing", changed(value, {"article_id": ...})
    yield "null in a required field", changed(value, {"article_id": None})
    yield "other type of a field", changed(value, {"article_id": ["a"]})
    yield "id that is none", changed(value, {"article_id": "a" * 31 + "É"})
    yield "NaN", changed(value, {}).replace(b"{", b'{"n":NaN,', 1)
    yield "nested 100,000 deep", b"[" * 100_000
    yield (
        "nested 100,000 deep in an unknown field",
        value.replace(b"{", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b",", 1),
    )
    yield "as large as the broker takes, and no message", b"\xff" * NEARLY_ALL


def changed(value: bytes, fields: dict[str, Any]) -> bytes:
    """The JSON object with other values; `...` leaves a field out."""
    held = msgspec.json.decode(value) | fields
    return msgspec.json.encode({name: part for name, part in held.items() if part is not ...})


def text_of(size: int, seed: int = 1) -> str:
    """A text of so many bytes that hardly compresses, in words."""
    rng = random.Random(seed)
    words = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789     ", k=size))
    return words[:size]


def padded(value: bytes, size: int) -> bytes:
    """The message with one more author, whose name makes it exactly so large; nothing labels or compares authors."""
    field = "authors" if b'"authors"' in value else "detail"
    bare = len(changed(value, {field: [""] if field == "authors" else ""}))
    name = text_of(size - bare)
    made = changed(value, {field: [name] if field == "authors" else name})
    assert len(made) == size
    return made


def _record(key: bytes | None, value: bytes | None, headers: Any = ()) -> LogRecord:
    return LogRecord(0, 0, key, value, tuple(headers))


def _letter(value: bytes) -> list[tuple[str, bytes]]:
    return [("kiosque-dead-letter", value)]

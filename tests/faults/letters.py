"""Which records can never be processed, and whether exactly those are among the dead letters."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress

import msgspec

from schemas import kafka_topics
from schemas.codec import (
    InvalidMessage,
    decode_enriched,
    decode_fetched,
    decode_tagged,
    decode_trace,
    decode_unique,
)
from schemas.headers import dead_letter_of, letter_closed_of, version_header
from schemas.messages import DeadLetter, TaggedArticle, Withdrawal, revision_of, run_of
from tests.faults.versions import Place
from tests.services import LogRecord

_ARTICLE_ID = re.compile(rb"[0-9a-f]{32}")
_DECODERS = {
    kafka_topics.FETCHED.name: decode_fetched,
    kafka_topics.UNIQUE.name: decode_unique,
    kafka_topics.REENRICH.name: decode_tagged,
    kafka_topics.TAGGED.name: decode_tagged,
    kafka_topics.ENRICHED.name: decode_enriched,
    kafka_topics.TRACE.name: decode_trace,
}
_SINK_INPUTS = (kafka_topics.ENRICHED.name, kafka_topics.TRACE.name)


def reason_of(topic: str, record: LogRecord) -> str | None:
    """The slug under which a record of a topic (without prefix) must be set aside; None for one that is a message."""
    if topic == kafka_topics.REDELIVERED.name:
        letter = readable_letter(record)
        named = letter and next((name for name in _SINK_INPUTS if letter.kafka_topic.endswith(name)), None)
        return reason_of(named, record) if named else "invalid_message"
    if record.value is None:
        return _reason_of_null(topic, record)
    try:
        message = _DECODERS[topic](record.value)
    except InvalidMessage:
        return "invalid_message"
    if record.key != message.article_id.encode():
        return "wrong_key"
    return None if topic != kafka_topics.REENRICH.name or _is_rerun(message) else "invalid_message"


def _reason_of_null(topic: str, record: LogRecord) -> str | None:
    if topic != kafka_topics.ENRICHED.name:
        return "invalid_message"
    if not _ARTICLE_ID.fullmatch(record.key or b""):
        return "wrong_key"
    return "invalid_message" if version_header(record.headers) is None else None


def _is_rerun(message: TaggedArticle | Withdrawal) -> bool:
    if isinstance(message, Withdrawal):
        return False
    return run_of(message.version) > 0 and revision_of(message.version) == message.revision


def readable_letter(record: LogRecord) -> DeadLetter | None:
    """The dead letter in a record's headers, or None also where it cannot be read."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return dead_letter_of(record.headers)
    return None


def place_of(topic: str, record: LogRecord, prefix: str = "") -> Place:
    """Where a record was at first: for one that was redelivered, where its letter came from."""
    letter = readable_letter(record) if topic == kafka_topics.REDELIVERED.name else None
    if letter is not None and letter.kafka_topic.removeprefix(prefix) in _SINK_INPUTS:
        return letter.kafka_topic.removeprefix(prefix), letter.partition, letter.offset
    return topic, record.partition, record.offset


def letters_of(dead: Iterable[LogRecord], prefix: str) -> dict[Place, DeadLetter]:
    """Where each dead letter came from -> the letter; records that close letters are left out."""
    found = {}
    for record in dead:
        if letter_closed_of(record.headers) is not None:
            continue
        letter = dead_letter_of(record.headers)
        if letter is not None:
            found[letter.kafka_topic.removeprefix(prefix), letter.partition, letter.offset] = letter
    return found


def letter_faults(
    inputs: Mapping[str, Sequence[LogRecord]],
    dead: Sequence[LogRecord],
    prefix: str,
    more: Set[Place] = frozenset(),
) -> list[str]:
    """What is wrong with the dead letters.

    Args:
        inputs: topic without prefix -> its records; exactly the malformed ones must be set aside.
        dead: articles.dead.
        prefix: of the installation.
        more: other records that must be set aside.
    """
    reasons = {
        place_of(topic, record, prefix): reason
        for topic, records in inputs.items()
        for record in records
        if (reason := reason_of(topic, record)) is not None
    }
    letters = letters_of(dead, prefix)
    faults = []
    for place in sorted(letters.keys() | reasons.keys() | more):
        letter, reason = letters.get(place), reasons.get(place)
        shown = f"{place[0]} {place[1]}:{place[2]}"
        if letter is None:
            faults.append(f"{shown}: cannot be processed, but is not among the dead letters")
        elif reason is None and place not in more:
            faults.append(f"{shown}: is among the dead letters ({letter.reason}: {_line(letter.detail)})")
        elif reason is not None and letter.reason != reason:
            faults.append(f"{shown}: was set aside for {letter.reason}, not for {reason}")
    return faults


def original_faults(inputs: Mapping[str, Sequence[LogRecord]], dead: Iterable[LogRecord], prefix: str) -> list[str]:
    """Dead letters that are not what came: other bytes, another key, lost headers."""
    records = {(topic, r.partition, r.offset): r for topic, held in inputs.items() for r in held}
    faults = []
    for letter in dead:
        why = None if letter_closed_of(letter.headers) else dead_letter_of(letter.headers)
        if why is None:
            continue
        topic = why.kafka_topic.removeprefix(prefix)
        original = records.get((topic, why.partition, why.offset))
        shown = f"{topic} {why.partition}:{why.offset}"
        if original is None:
            continue
        if (original.value, original.key or b"") != (letter.value, letter.key or b""):
            faults.append(f"{shown}: its dead letter has other bytes")
        if not set(original.headers) - set(dead_headers(original)) <= set(letter.headers):
            faults.append(f"{shown}: its dead letter has lost headers")
    return faults


def dead_headers(record: LogRecord) -> list[tuple[str, bytes]]:
    """The headers that say why a record was set aside."""
    return [header for header in record.headers if header[0] == "kiosque-dead-letter"]


def commit_faults(undone: Mapping[str, int]) -> list[str]:
    """Stages that have not committed all of their input."""
    return [f"{stage} has not committed {count} records of its input" for stage, count in undone.items() if count]


def _line(detail: str) -> str:
    lines = [line for line in detail.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""

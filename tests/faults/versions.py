"""articles.unique -> .tagged -> .enriched: nothing missing, versions that never go back, the right last record.

enrich may write a record again after a crash, so of articles.tagged only this is asked: everything asked for is there,
nothing else is, and it is what dedupe accepted. articles.enriched is cluster's alone and must be exactly what a linear
re-read of articles.tagged gives; a withdrawal may be said again under the same version.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from itertools import pairwise
from typing import Any

from processors.fingerprint import fingerprint
from schemas.codec import InvalidMessage, decode_enriched, decode_tagged, decode_trace, decode_unique
from schemas.headers import version_header
from schemas.messages import TaggedArticle, UniqueArticle, Withdrawal, revision_of, version_of
from tests.faults.revisions import Item, short
from tests.services import LogRecord

Place = tuple[str, int, int]
"""Topic without prefix, partition, offset: a record that was set aside."""


def messages(records: Iterable[LogRecord], decode: Callable[[bytes], Any]) -> Iterable[tuple[LogRecord, Any]]:
    """The records that are messages under their own key."""
    for record in records:
        try:
            message = decode(record.value or b"")
        except InvalidMessage:
            continue
        if record.key == message.article_id.encode():
            yield record, message


def enrich_faults(
    unique: Sequence[LogRecord],
    reenrich: Sequence[LogRecord],
    tagged: Sequence[LogRecord],
    trace: Sequence[LogRecord],
    dead: Set[Place] = frozenset(),
) -> list[str]:
    """What enrich lost, invented or changed."""
    asked = _asked_for(unique, "articles.unique", dead) | _asked_for(reenrich, "articles.reenrich", dead)
    foreign = {
        (message.article_id, message.revision)
        for _, message in messages(trace, decode_trace)
        if message.disposition == "not_french"
    }
    found: dict[tuple[str, int | None], Any] = {}
    faults = []
    for _, message in messages(tagged, decode_tagged):
        key = (message.article_id, message.version if isinstance(message, TaggedArticle) else None)
        found[key] = message
        wanted = asked.get(key)
        if wanted is None:
            faults.append(f"{short(key[0])}: articles.tagged has a {_shown(key[1])} that nobody asked for")
        elif isinstance(wanted, UniqueArticle | TaggedArticle) and (
            (wanted.accepted_at, fingerprint(wanted)) != (message.accepted_at, fingerprint(message))
        ):
            faults.append(f"{short(key[0])}: {_shown(key[1])} on articles.tagged is not the one that dedupe accepted")
    for key in asked:
        if key not in found and (key[0], key[1] and revision_of(key[1])) not in foreign:
            faults.append(f"{short(key[0])}: {_shown(key[1])} is missing on articles.tagged")
    return list(dict.fromkeys(faults))


def _asked_for(records: Iterable[LogRecord], topic: str, dead: Set[Place]) -> dict[tuple[str, int | None], Any]:
    """(article, version; None for a withdrawal) -> the message that asks for it."""
    decode = decode_unique if topic == "articles.unique" else decode_tagged
    asked = {}
    for record, message in messages(records, decode):
        if (topic, record.partition, record.offset) in dead:
            continue
        version = None
        if isinstance(message, UniqueArticle):
            version = version_of(message.revision, 0)
        elif isinstance(message, TaggedArticle):
            version = message.version
        asked[message.article_id, version] = message
    return asked


def _shown(version: int | None) -> str:
    if version is None:
        return "withdrawal"
    run = version & 0xFFFFF
    return f"revision {revision_of(version)}" + (f" of run {run}" if run else "")


def enriched_states(enriched: Iterable[LogRecord]) -> dict[str, list[tuple[int, bool]]]:
    """Article -> (version, is an article) of its records on articles.enriched, in order."""
    found: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for record in enriched:
        state = _state_of(record)
        if state is not None:
            found[(record.key or b"").decode()].append(state)
    return found


def _state_of(record: LogRecord) -> tuple[int, bool] | None:
    if record.value is None:
        version = version_header(record.headers)
        return None if version is None else (version, False)
    try:
        message = decode_enriched(record.value)
    except InvalidMessage:
        return None
    return (message.version, True) if record.key == message.article_id.encode() else None


def cluster_faults(
    tagged: Sequence[LogRecord], enriched: Sequence[LogRecord], covered: Set[str] = frozenset()
) -> list[str]:
    """How articles.enriched differs from a linear re-read of articles.tagged; `covered` by withdrawal orders."""
    expected, found = _expected_states(tagged), enriched_states(enriched)
    faults = []
    for article in sorted(expected.keys() | found.keys()):
        is_ = found.get(article, [])
        faults += _going_back(article, is_)
        must = expected.get(article, [])
        if article in covered:
            faults += _covered_faults(article, must, is_)
        else:
            faults += _state_faults(article, must, is_)
    return faults


def _expected_states(tagged: Iterable[LogRecord]) -> dict[str, list[tuple[int, bool]]]:
    states: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for _, message in messages(tagged, decode_tagged):
        known = states[message.article_id]
        version, standing = known[-1] if known else (0, True)
        if not standing:
            continue
        if isinstance(message, Withdrawal):
            known.append((max(version_of(message.revision or 1, 0), version + 1 if known else 0), False))
        elif message.version > version:
            known.append((message.version, True))
    return states


def _going_back(article: str, states: Sequence[tuple[int, bool]]) -> list[str]:
    faults = []
    for (before, standing), (after, stands) in pairwise(states):
        if after < before:
            faults.append(f"{short(article)}: versions on articles.enriched go back to {_shown(after)}")
        elif stands and not standing:
            faults.append(f"{short(article)}: {_shown(after)} follows the withdrawal on articles.enriched")
    return faults


def _state_faults(article: str, must: Sequence[tuple[int, bool]], is_: Sequence[tuple[int, bool]]) -> list[str]:
    faults = []
    for state in dict.fromkeys([*must, *is_]):
        what = _shown(state[0]) if state[1] else "the withdrawal"
        if state not in is_:
            faults.append(f"{short(article)}: {what} is missing on articles.enriched")
        elif state not in must:
            faults.append(f"{short(article)}: articles.enriched has {what}, which it must not have")
        elif state[1] and is_.count(state) > 1:
            faults.append(f"{short(article)}: {what} is on articles.enriched twice")
    return faults


def _covered_faults(article: str, must: Sequence[tuple[int, bool]], is_: Sequence[tuple[int, bool]]) -> list[str]:
    articles = [state for state in is_ if state[1]]
    allowed = [state for state in must if state[1]]
    if articles != allowed[: len(articles)]:
        return [f"{short(article)}: articles.enriched has versions that nobody asked for"]
    if articles and is_[-1][1]:
        return [f"{short(article)}: it must be withdrawn, but articles.enriched ends with {_shown(is_[-1][0])}"]
    return []


def last_record_faults(
    expected: dict[str, list[Item]], enriched: Sequence[LogRecord], left_out: Set[tuple[str, int]] = frozenset()
) -> list[str]:
    """Whether the last record of each article is its last revision, or the null of its withdrawal.

    Args:
        expected: what must be on articles.unique.
        enriched: the topic.
        left_out: (article, revision) that end before: in another language, or set aside.
    """
    last: dict[str, LogRecord] = {}
    for record in enriched:
        if _state_of(record) is not None:
            last[(record.key or b"").decode()] = record
    faults = []
    for article, items in sorted(expected.items()):
        due = [item for item in items if (article, item.revision) not in left_out]
        if due:
            faults += _last_fault(article, due[-1], last.get(article))
    return faults


def _last_fault(article: str, due: Item, record: LogRecord | None) -> list[str]:
    if record is None:
        return [f"{short(article)}: is not on articles.enriched"]
    if not due.content:
        return [] if record.value is None else [f"{short(article)}: is not withdrawn on articles.enriched"]
    if record.value is None:
        return [f"{short(article)}: is withdrawn on articles.enriched, but nobody asked for it"]
    message = decode_enriched(record.value)
    if (message.revision, fingerprint(message)) != (due.revision, due.content):
        return [f"{short(article)}: articles.enriched ends with revision {message.revision}, not with {due.shown}"]
    return []

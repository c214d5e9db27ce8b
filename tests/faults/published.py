"""The newsstand -> articles.fetched: every article is there, corrected if it was corrected, and no forbidden one."""

from collections.abc import Iterable, Sequence

from deploy.newsstand.expectations import Expectation
from producers.canonical import article_id, canonical_url
from schemas.codec import decode_trace
from schemas.messages import FetchedArticle
from tests.faults.revisions import fetched_messages, short
from tests.faults.versions import messages
from tests.services import LogRecord

_FETCHED = frozenset({"indexed", "not_french"})
"""Dispositions of articles that the poller publishes."""


def newsstand_faults(
    expected: Iterable[Expectation], fetched: Sequence[LogRecord], trace: Sequence[LogRecord]
) -> list[str]:
    """How articles.fetched differs from what the newsstand published.

    Of a corrected article the correction must be there; whether the first version is as well depends on what the
    poller saw, and the contents on articles.fetched then decide what later topics must hold.
    """
    last: dict[str, FetchedArticle] = {}
    for message in fetched_messages(fetched):
        if isinstance(message, FetchedArticle):
            last[message.article_id] = message
    traced = {(message.article_id, message.disposition) for _, message in messages(trace, decode_trace)}
    faults = []
    for wanted in expected:
        key = article_id(canonical_url(wanted.url))
        if wanted.disposition in _FETCHED:
            faults += _published_faults(wanted, key, last.get(key))
        elif key in last:
            faults.append(f"{wanted.name} is on articles.fetched, but must not be: {wanted.disposition}")
        elif (key, wanted.disposition) not in traced:
            faults.append(f"{wanted.name} has no trace that says {wanted.disposition}")
    return faults


def _published_faults(wanted: Expectation, key: str, found: FetchedArticle | None) -> list[str]:
    if found is None:
        return [f"{wanted.name} ({short(key)}) is missing on articles.fetched"]
    if found.title != wanted.title:
        return [f"{wanted.name} ({short(key)}) is on articles.fetched without its correction"]
    return []


def acknowledged_faults(acknowledged: Iterable[tuple[bytes, bytes]], fetched: Sequence[LogRecord]) -> list[str]:
    """Records (key, value) that Kafka has acknowledged and that are not on articles.fetched."""
    held = {(record.key, record.value) for record in fetched}
    return [
        f"{short(key)}: a reading that Kafka acknowledged is missing on articles.fetched"
        for key, value in acknowledged
        if (key, value) not in held
    ]

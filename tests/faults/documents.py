"""articles.enriched and articles.trace -> the index: the last record of each article, and every trace."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from schemas.codec import decode_enriched, decode_trace
from schemas.messages import EnrichedArticle
from tests.faults.revisions import short
from tests.faults.versions import Place, enriched_states, messages
from tests.services import LogRecord

Stored = Mapping[str, tuple[int, Mapping[str, Any]]]
"""Document id -> (version, source)."""


@dataclass(frozen=True)
class Index:
    """What Elasticsearch holds."""

    articles: Stored = field(default_factory=dict)
    revisions: Stored = field(default_factory=dict)
    traces: Stored = field(default_factory=dict)


def index_faults(
    index: Index,
    enriched: Sequence[LogRecord],
    trace: Sequence[LogRecord],
    dead: Set[Place] = frozenset(),
    covered: Set[str] = frozenset(),
) -> list[str]:
    """How the index differs from the topics.

    Args:
        index: what it holds.
        enriched: articles.enriched.
        trace: articles.trace.
        dead: records that were set aside.
        covered: articles that a withdrawal order covers: nothing may be left of them, their trace included.
    """
    written = [r for r in enriched if ("articles.enriched", r.partition, r.offset) not in dead]
    states = enriched_states(written)
    withdrawn = {article for article, held in states.items() if not held[-1][1]}
    return [
        *_article_faults(index.articles, written, states, withdrawn | covered),
        *_revision_faults(index.revisions, written, withdrawn | covered),
        *_trace_faults(index.traces, trace, dead, withdrawn, covered),
    ]


def _article_faults(
    documents: Stored,
    enriched: Sequence[LogRecord],
    states: Mapping[str, Sequence[tuple[int, bool]]],
    gone: Set[str],
) -> list[str]:
    last = {message.article_id: message for _, message in messages(enriched, decode_enriched)}
    faults = []
    for article in sorted(documents.keys() | last.keys()):
        stored, message = documents.get(article), last.get(article)
        if article in gone or message is None:
            if stored is not None:
                faults.append(f"{short(article)}: is in the index, but must not be")
        elif stored is None:
            faults.append(f"{short(article)}: is missing in the index")
        else:
            faults += _document_faults(article, stored, message, states[article][-1][0])
    return faults


def _document_faults(
    article: str, stored: tuple[int, Mapping[str, Any]], message: EnrichedArticle, version: int
) -> list[str]:
    standing, source = stored
    if standing != version or source.get("version") != version:
        return [f"{short(article)}: the index holds version {standing}, articles.enriched ends with {version}"]
    held = {name: source.get(name) for name in ("title", "text", "revision")}
    wanted = {"title": message.title, "text": message.text or None, "revision": message.revision}
    if held != wanted:
        return [f"{short(article)}: the index holds another content under version {version}"]
    return []


def _revision_faults(documents: Stored, enriched: Sequence[LogRecord], gone: Set[str]) -> list[str]:
    wanted: dict[str, int] = {}
    for _, message in messages(enriched, decode_enriched):
        if message.article_id not in gone:
            key = f"{message.article_id}:{message.revision}"
            wanted[key] = max(message.version, wanted.get(key, 0))
    faults = []
    for key in sorted(documents.keys() | wanted.keys()):
        article, _, number = key.partition(":")
        if key not in documents:
            faults.append(f"{short(article)}: revision {number} is missing in the index of revisions")
        elif key not in wanted:
            faults.append(f"{short(article)}: revision {number} is in the index of revisions, but must not be")
        elif documents[key][0] != wanted[key]:
            faults.append(f"{short(article)}: revision {number} in the index is not the last one of that number")
    return faults


def _trace_faults(
    documents: Stored, trace: Sequence[LogRecord], dead: Set[Place], withdrawn: Set[str], covered: Set[str]
) -> list[str]:
    wanted = {
        message.trace_id: message
        for record, message in messages(trace, decode_trace)
        if ("articles.trace", record.partition, record.offset) not in dead
    }
    faults = []
    for key in sorted(documents.keys() | wanted.keys()):
        if key not in wanted:
            faults.append(f"trace {key[:8]}: is in the index, but on no topic")
            continue
        message = wanted[key]
        article = message.article_id
        if key in documents:
            if article in covered and (documents[key][1].get("url") or documents[key][1].get("title")):
                faults.append(f"{short(article)}: is withdrawn, but a trace in the index names it")
        elif article not in withdrawn | covered:
            faults.append(f"{short(article)}: its trace {message.stage} {message.disposition} is missing in the index")
    return faults

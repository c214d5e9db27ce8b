"""Messages -> documents of the three indices, with their ids and times.

`@timestamp` of an article is the publisher's first claim we hold, `timeline.published`, else
`published_at`; clamped to the first sight of the article, the earlier of `timeline.discovered` and `accepted_at`, both
of which are the same in all its revisions. So it is never null, never in the future, and a revision that claims a later
time can never push an article forward in time beyond its first sight. `event.ingested` is the sink's clock.
"""

from datetime import datetime
from typing import Any

import msgspec

from schemas.messages import EnrichedArticle, Trace

Document = dict[str, Any]


def article_document(article: EnrichedArticle, now: datetime) -> Document:
    """The article as the index holds it, without its empty fields."""
    return _document(article, timestamp=article_timestamp(article), now=now)


def article_timestamp(article: EnrichedArticle) -> datetime:
    """When the article came out, as far as it can be true; the rule is above."""
    first_seen = min(article.timeline.discovered, article.accepted_at)
    claimed = article.timeline.published or article.published_at
    return first_seen if claimed is None else min(claimed, first_seen)


def revision_id(article_id: str, revision: int) -> str:
    """The id of a revision's document: a re-enrichment of the same revision replaces it."""
    return f"{article_id}:{revision}"


def revision_document(article: EnrichedArticle, now: datetime) -> Document:
    """One revision: its head, and what it changed. The text stands in the article's document only.

    Its `@timestamp` is when this revision was accepted, or was read where no stage noted that.
    """
    whole = _document(article, timestamp=article.timeline.accepted or article.timeline.fetched, now=now)
    document = {name: whole[name] for name in _REVISION_FIELDS if name in whole}
    document["story"] = {"id": article.story.id, "relation": article.story.relation}
    return document


_REVISION_FIELDS = (
    "@timestamp",
    "event",
    "article_id",
    "revision",
    "version",
    "url",
    "publisher",
    "title",
    "standfirst",
    "word_count",
    "access",
    "published_at",
    "modified_at",
    "accepted_at",
    "change",
    "timeline",
)


def trace_document(trace: Trace, now: datetime) -> Document:
    """What became of an entry; `@timestamp` is the stage's clock."""
    return _document(trace, timestamp=trace.at, now=now)


def _document(message: EnrichedArticle | Trace, *, timestamp: datetime, now: datetime) -> Document:
    fields: Document = _without_empty(msgspec.to_builtins(message))
    del fields["type"]
    return {"@timestamp": msgspec.to_builtins(timestamp), "event": {"ingested": msgspec.to_builtins(now)}, **fields}


def _without_empty(value: Any) -> Any:
    """Without null, empty lists and empty objects: for the index they are the same as nothing, and fewer bytes."""
    if isinstance(value, dict):
        pruned = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in pruned.items() if part is not None and part not in ([], {})}
    if isinstance(value, list | tuple):
        return [_without_empty(part) for part in value]
    return value

"""Small questions to the index: how many, what became of what, one article. For `status`, `explain` and the demo."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from elasticsearch import Elasticsearch, NotFoundError

from schemas.messages import Trace
from sinks.elasticsearch import store_errors
from sinks.mapping import index_names


@dataclass(frozen=True)
class IndexCounts:
    """How much the index holds.

    Attributes:
        dispositions: stage -> disposition -> how many trace entries say so.
    """

    articles: int
    revisions: int
    traces: int
    dispositions: dict[str, dict[str, int]]


@dataclass(frozen=True)
class StoredArticle:
    """An article as it stands.

    Attributes:
        version: the one that guards it.
        document: all its fields, detail included.
    """

    article_id: str
    version: int
    document: dict[str, Any]


def make_searchable(client: Elasticsearch, *, index_prefix: str = "kiosque") -> None:
    """Let searches see everything that was indexed until now, without waiting for the refresh interval.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    names = index_names(index_prefix)
    with store_errors():
        client.indices.refresh(index=[names.articles_alias, names.revisions, names.trace], ignore_unavailable=True)


def index_counts(client: Elasticsearch, *, index_prefix: str = "kiosque") -> IndexCounts:
    """Count what a search can see; indices that do not exist yet hold nothing.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    names = index_names(index_prefix)
    by_disposition = {"terms": {"field": "disposition", "size": 100}}
    by_stage = {"terms": {"field": "stage", "size": 20}, "aggs": {"dispositions": by_disposition}}
    with store_errors():
        articles, revisions = (
            client.count(index=index, ignore_unavailable=True)["count"]
            for index in (names.articles_alias, names.revisions)
        )
        trace = client.search(
            index=names.trace, ignore_unavailable=True, size=0, track_total_hits=True, aggs={"stages": by_stage}
        )
    stages = trace.get("aggregations", {}).get("stages", {}).get("buckets", ())
    return IndexCounts(
        articles=articles,
        revisions=revisions,
        traces=trace["hits"]["total"]["value"],
        dispositions={
            stage["key"]: {bucket["key"]: bucket["doc_count"] for bucket in stage["dispositions"]["buckets"]}
            for stage in stages
        },
    )


def dispositions(
    client: Elasticsearch,
    *,
    index_prefix: str = "kiosque",
    article_id: str | None = None,
    stage: str | None = None,
    disposition: str | None = None,
    at_arrival_since: datetime | None = None,
    size: int = 100,
) -> tuple[Trace, ...]:
    """What became of entries, oldest first.

    Args:
        client: of the cluster.
        index_prefix: of the installation.
        article_id: of one article only.
        stage: at one stage only.
        disposition: of one kind only.
        at_arrival_since: indexed since then only.
        size: the newest so many at most.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    asked = {"article_id": article_id, "stage": stage, "disposition": disposition}
    filters: list[dict[str, Any]] = [{"term": {field: value}} for field, value in asked.items() if value]
    if at_arrival_since is not None:
        filters.append({"range": {"event.ingested": {"gte": at_arrival_since.isoformat()}}})
    with store_errors():
        reply = client.search(
            index=index_names(index_prefix).trace,
            ignore_unavailable=True,
            query={"bool": {"filter": filters}},
            sort=[{"at": {"order": "desc", "unmapped_type": "date"}}],
            size=size,
        )
    return tuple(msgspec.convert({"type": "trace", **hit["_source"]}, Trace) for hit in reversed(reply["hits"]["hits"]))


def find_article(client: Elasticsearch, article_id: str, *, index_prefix: str = "kiosque") -> StoredArticle | None:
    """The article's document, also one that no search can see yet; None if there is none.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    with store_errors():
        try:
            found = client.get(index=index_names(index_prefix).articles_alias, id=article_id)
        except NotFoundError:
            return None
    return StoredArticle(found["_id"], found["_version"], found["_source"])


def revisions_of(
    client: Elasticsearch, article_id: str, *, index_prefix: str = "kiosque"
) -> tuple[dict[str, Any], ...]:
    """The documents of an article's revisions that a search can see, first revision first.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    with store_errors():
        reply = client.search(
            index=index_names(index_prefix).revisions,
            ignore_unavailable=True,
            query={"term": {"article_id": article_id}},
            sort=[{"revision": {"order": "asc", "unmapped_type": "integer"}}],
            size=1000,
        )
    return tuple(hit["_source"] for hit in reply["hits"]["hits"])

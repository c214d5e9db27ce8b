"""What the index holds of articles that withdrawal orders cover: which, and how much. For those who must be sure.

That an article was withdrawn stays in the trace, without anything else of it, and does not count.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from schemas.withdrawals import WithdrawalOrder
from sinks.elasticsearch import store_errors
from sinks.mapping import index_names
from sinks.operations import WITHDRAWN

_ORDERS_AT_ONCE: Final = 1_000
"""Elasticsearch takes 1,024 clauses in one query at least."""


def coverage_queries(orders: Sequence[WithdrawalOrder]) -> Iterator[dict[str, Any]]:
    """Queries that together find what the orders cover in any of our indices. Pure."""
    for start in range(0, len(orders), _ORDERS_AT_ONCE):
        targets: dict[str, list[str]] = {"article": [], "prefix": [], "publisher": []}
        for order in orders[start : start + _ORDERS_AT_ONCE]:
            targets[order.scope].append(order.target)
        clauses: list[dict[str, Any]] = [
            {"terms": {field: targets[scope]}}
            for scope, field in (
                ("article", "article_id"),
                ("publisher", "publisher.id"),
                ("publisher", "publisher_id"),
            )
            if targets[scope]
        ]
        clauses += [{"prefix": {"url": prefix}} for prefix in targets["prefix"]]
        yield {
            "bool": {"should": clauses, "minimum_should_match": 1, "must_not": [{"term": {"disposition": WITHDRAWN}}]}
        }


def covered_articles(
    client: Elasticsearch, orders: Sequence[WithdrawalOrder], *, index_prefix: str = "kiosque"
) -> Iterator[str]:
    """Ids of covered articles of which the index holds anything that a search can see; some may come twice.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    with store_errors():
        for query in coverage_queries(orders):
            hits = scan(
                client,
                index=_readable(index_prefix),
                query={"query": query, "_source": ["article_id"]},
                size=1000,
                ignore_unavailable=True,
            )
            yield from (hit["_source"]["article_id"] for hit in hits)


def count_covered(client: Elasticsearch, orders: Sequence[WithdrawalOrder], *, index_prefix: str = "kiosque") -> int:
    """How many documents the index holds of what the orders cover, those included that no search has seen yet.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    indices = _readable(index_prefix)
    with store_errors():
        client.indices.refresh(index=indices, ignore_unavailable=True)
        return sum(
            client.count(index=indices, query=query, ignore_unavailable=True)["count"]
            for query in coverage_queries(orders)
        )


def _readable(index_prefix: str) -> list[str]:
    names = index_names(index_prefix)
    return [names.articles_alias, names.revisions, names.trace]

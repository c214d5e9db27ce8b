"""What the index holds of what orders cover."""

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from schemas.withdrawals import Scope, WithdrawalOrder
from sinks.coverage import count_covered, coverage_queries, covered_articles
from sinks.elasticsearch import ensure_indices
from sinks.mapping import index_names
from sinks.operations import Plan, plan
from sinks.options import IndexerOptions
from sinks.records import Record
from sinks.store import ElasticsearchStore
from tests.sinks.samples import NOW, article, article_id, article_record, orders, trace, trace_record
from tests.sinks.servers import client_of, options_on

PUBLISHER = "courrier-du-val.example"
ADDRESS = f"https://www.{PUBLISHER}/"


def order(scope: Scope, target: str) -> WithdrawalOrder:
    return WithdrawalOrder(scope=scope, target=target, requested_at=NOW)


def test_one_query_asks_for_all_and_passes_over_what_says_only_that_it_was_withdrawn() -> None:
    given = [order("article", article_id("halles")), order("prefix", ADDRESS + "h"), order("publisher", PUBLISHER)]
    assert list(coverage_queries(given)) == [
        {
            "bool": {
                "should": [
                    {"terms": {"article_id": [article_id("halles")]}},
                    {"terms": {"publisher.id": [PUBLISHER]}},
                    {"terms": {"publisher_id": [PUBLISHER]}},
                    {"prefix": {"url": ADDRESS + "h"}},
                ],
                "minimum_should_match": 1,
                "must_not": [{"term": {"disposition": "withdrawn"}}],
            }
        }
    ]


def test_many_orders_are_several_queries_and_none_is_none() -> None:
    queries = list(coverage_queries([order("article", f"{n:032x}") for n in range(2500)]))
    assert [len(query["bool"]["should"][0]["terms"]["article_id"]) for query in queries] == [1000, 1000, 500]
    assert list(coverage_queries([])) == []


@pytest.mark.servers
class TestOnElasticsearch:
    @pytest.fixture
    def chosen(self, stack: Any) -> IndexerOptions:
        return options_on(stack)

    @pytest.fixture
    def client(self, chosen: IndexerOptions) -> Iterator[Elasticsearch]:
        with client_of(chosen) as client:
            ensure_indices(client, chosen)
            yield client

    def write(self, client: Elasticsearch, chosen: IndexerOptions, *records: tuple[Record, Any]) -> None:
        names = index_names(chosen.index_prefix)
        plans = [plan(record, kind, names, NOW, orders()) for record, kind in records]
        operations = [op for planned in plans if isinstance(planned, Plan) for op in planned.operations]
        ElasticsearchStore(client, names).write(operations)

    @pytest.mark.parametrize(
        ("given", "documents"),
        [
            pytest.param(order("article", article_id("halles")), 3, id="an article"),
            pytest.param(order("prefix", ADDRESS + "ha"), 3, id="a beginning of URLs"),
            pytest.param(order("publisher", PUBLISHER), 6, id="a publisher"),
            pytest.param(order("article", article_id("mairie")), 0, id="one that is not there"),
        ],
    )
    def test_documents_of_all_indices_are_found(
        self, client: Elasticsearch, chosen: IndexerOptions, given: WithdrawalOrder, documents: int
    ) -> None:
        for slug in ("halles", "gare"):
            withdrawn = trace(slug, number=2, disposition="withdrawn")
            self.write(
                client,
                chosen,
                (article_record(article(slug)), "article"),
                (trace_record(trace(slug)), "trace"),
                (trace_record(withdrawn), "trace"),
            )
        assert count_covered(client, [given], index_prefix=chosen.index_prefix) == documents
        found = set(covered_articles(client, [given], index_prefix=chosen.index_prefix))
        both = {article_id("halles"), article_id("gare")}
        assert found == {0: set(), 3: {article_id("halles")}, 6: both}[documents]

    def test_indices_that_are_not_there_hold_nothing(self, stack: Any) -> None:
        chosen = options_on(stack)
        with client_of(chosen) as client:
            assert count_covered(client, [order("publisher", PUBLISHER)], index_prefix=chosen.index_prefix) == 0
            assert list(covered_articles(client, [order("publisher", "x")], index_prefix=chosen.index_prefix)) == []

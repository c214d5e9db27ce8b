"""Templates, indices and alias on the real server; small questions to them."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch

from schemas.withdrawals import WithdrawalOrders
from sinks.bulk_result import Indexed, Outcome, Rejected
from sinks.documents import article_document
from sinks.elasticsearch import ensure_indices
from sinks.errors import SinkError
from sinks.lookups import (
    IndexCounts,
    StoredArticle,
    dispositions,
    find_article,
    index_counts,
    revisions_of,
)
from sinks.mapping import index_names, index_templates
from sinks.operations import Plan, Put, plan
from sinks.options import IndexerOptions
from sinks.search import Search, run_search
from sinks.store import ElasticsearchStore
from tests.sinks.samples import (
    NOW,
    article,
    article_id,
    article_record,
    body,
    full_article,
    trace,
    trace_record,
)
from tests.sinks.servers import client_of, options_on

pytestmark = pytest.mark.servers


@pytest.fixture
def chosen(stack: Any) -> IndexerOptions:
    return options_on(stack)


@pytest.fixture
def client(chosen: IndexerOptions) -> Iterator[Elasticsearch]:
    with client_of(chosen) as client:
        yield client


@pytest.fixture(scope="module")
def installed(stack: Any) -> Iterator[tuple[Elasticsearch, IndexerOptions]]:
    """One installation for the tests that only write."""
    chosen = options_on(stack)
    with client_of(chosen) as client:
        ensure_indices(client, chosen)
        yield client, chosen


def state(client: Elasticsearch, chosen: IndexerOptions) -> dict[str, Any]:
    """Everything about the three indices that a second set-up might change."""
    names = index_names(chosen.index_prefix)
    return dict(client.indices.get(index=list(names.indices)))


def test_made_twice_they_are_as_made_once(client: Elasticsearch, chosen: IndexerOptions) -> None:
    ensure_indices(client, chosen)
    once = state(client, chosen)
    ensure_indices(client, chosen)
    names = index_names(chosen.index_prefix)
    assert state(client, chosen) == once
    assert {index: list(part["aliases"]) for index, part in once.items()} == {
        names.articles: [names.articles_alias],
        names.revisions: [],
        names.trace: [],
    }


def test_what_the_template_says_is_what_the_index_has(client: Elasticsearch, chosen: IndexerOptions) -> None:
    ensure_indices(client, chosen)
    articles = index_templates(chosen)[0]
    standing = client.indices.get_mapping(index=articles.index)[articles.index]["mappings"]
    assert standing["properties"] == {**articles.mappings["properties"]}
    assert (standing["dynamic"], standing["_meta"]) == ("strict", articles.mappings["_meta"])


def test_an_index_that_contradicts_is_refused_with_the_difference(
    client: Elasticsearch, chosen: IndexerOptions
) -> None:
    names = index_names(chosen.index_prefix)
    client.indices.create(
        index=names.revisions, mappings={"dynamic": "strict", "properties": {"revision": {"type": "keyword"}}}
    )
    with pytest.raises(SinkError) as refused:
        ensure_indices(client, chosen)
    assert refused.value.problem.startswith(
        f"the index {names.revisions} contradicts its template: field revision is type keyword, not type integer; "
    )
    assert refused.value.advice


def test_missing_fields_are_added(client: Elasticsearch, chosen: IndexerOptions) -> None:
    trace_template = index_templates(chosen)[2]
    some = dict(list(trace_template.mappings["properties"].items())[:4])
    client.indices.create(index=trace_template.index, mappings={"dynamic": "strict", "properties": some})
    ensure_indices(client, chosen)
    standing = client.indices.get_mapping(index=trace_template.index)[trace_template.index]["mappings"]
    assert standing["properties"] == trace_template.mappings["properties"]


def test_an_index_under_the_alias_name_is_refused(client: Elasticsearch, chosen: IndexerOptions) -> None:
    alias = index_names(chosen.index_prefix).articles_alias
    client.indices.create(index=alias)
    try:
        with pytest.raises(SinkError, match="must be an alias"):
            ensure_indices(client, chosen)
    finally:
        client.indices.delete(index=alias)


def test_the_refresh_interval_follows_the_options(client: Elasticsearch, chosen: IndexerOptions) -> None:
    ensure_indices(client, chosen)
    ensure_indices(client, replace(chosen, refresh_interval="-1"))
    index = index_names(chosen.index_prefix).articles
    settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert settings["refresh_interval"] == "-1"


def put(installed: tuple[Elasticsearch, IndexerOptions], document: dict[str, Any]) -> Outcome:
    client, chosen = installed
    names = index_names(chosen.index_prefix)
    (outcome,) = ElasticsearchStore(client, names).write([Put(names.articles, uuid.uuid4().hex, body(document), 1)])
    return outcome


def test_every_field_of_an_article_fits(installed: tuple[Elasticsearch, IndexerOptions]) -> None:
    assert put(installed, article_document(full_article(), NOW)) == Indexed(created=True)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        pytest.param({"titel": "x"}, "strict_dynamic_mapping_exception", id="an unknown field"),
        pytest.param({"publisher": {"nom": "x"}}, "strict_dynamic_mapping_exception", id="an unknown inner field"),
        pytest.param({"places": {"location": [{"lat": 95, "lon": 2}]}}, "latitude", id="a place beyond the pole"),
        pytest.param({"published_at": "hier"}, "failed to parse date", id="no date"),
    ],
)
def test_what_does_not_fit_is_rejected_with_the_reason(
    installed: tuple[Elasticsearch, IndexerOptions], fault: dict[str, Any], why: str
) -> None:
    outcome = put(installed, fault)
    assert isinstance(outcome, Rejected)
    assert why in outcome.reason


def test_long_values_are_kept_but_do_not_make_the_document_fail(
    installed: tuple[Elasticsearch, IndexerOptions],
) -> None:
    long = article(title="é" * 40_000, authors=("é" * 40_000,), keywords=("é" * 40_000,))
    assert put(installed, article_document(long, NOW)) == Indexed(created=True)


def filled(client: Elasticsearch, chosen: IndexerOptions) -> None:
    ensure_indices(client, chosen)
    names = index_names(chosen.index_prefix)
    plans = [plan(article_record(article(revision=r)), "article", names, NOW, WithdrawalOrders()) for r in (1, 2)]
    plans += [
        plan(trace_record(told), "trace", names, NOW, WithdrawalOrders())
        for told in (trace(), trace("gare", stage="poll", disposition="robots_disallowed", at=NOW), trace("quai"))
    ]
    operations = [operation for planned in plans if isinstance(planned, Plan) for operation in planned.operations]
    ElasticsearchStore(client, names).write(operations)
    client.indices.refresh(index=list(names.indices))


def test_counts(client: Elasticsearch, chosen: IndexerOptions) -> None:
    filled(client, chosen)
    assert index_counts(client, index_prefix=chosen.index_prefix) == IndexCounts(
        articles=1,
        revisions=2,
        traces=3,
        dispositions={"dedupe": {"accepted": 2}, "poll": {"robots_disallowed": 1}},
    )


def test_counts_of_an_installation_that_is_not_set_up(client: Elasticsearch, chosen: IndexerOptions) -> None:
    assert index_counts(client, index_prefix=chosen.index_prefix) == IndexCounts(0, 0, 0, {})
    assert dispositions(client, index_prefix=chosen.index_prefix) == ()
    assert find_article(client, article_id("halles"), index_prefix=chosen.index_prefix) is None


def test_a_search_before_the_set_up_says_so(client: Elasticsearch, chosen: IndexerOptions) -> None:
    with pytest.raises(SinkError, match=f"there is no index {chosen.index_prefix}-articles yet"):
        run_search(client, Search("halles"), index_prefix=chosen.index_prefix)


def test_dispositions_and_the_article_itself(client: Elasticsearch, chosen: IndexerOptions) -> None:
    filled(client, chosen)
    prefix = chosen.index_prefix
    assert dispositions(client, index_prefix=prefix, stage="poll") == (
        trace("gare", stage="poll", disposition="robots_disallowed", at=NOW),
    )
    assert dispositions(client, index_prefix=prefix, article_id=article_id("halles")) == (trace(),)
    assert dispositions(client, index_prefix=prefix, disposition="indexed") == ()
    newest = article(revision=2)
    assert find_article(client, newest.article_id, index_prefix=prefix) == StoredArticle(
        newest.article_id, newest.version, msgspec.json.decode(msgspec.json.encode(article_document(newest, NOW)))
    )
    assert find_article(client, article_id("nulle part"), index_prefix=prefix) is None
    assert [document["revision"] for document in revisions_of(client, newest.article_id, index_prefix=prefix)] == [1, 2]


def test_a_request_too_large_for_the_server_is_halved(installed: tuple[Elasticsearch, IndexerOptions]) -> None:
    client, chosen = installed
    names = index_names(chosen.index_prefix)
    big = Put(names.articles, "big", b'{"text":"' + b"mot " * 30_000_000 + b'"}', 1)
    small = [Put(names.articles, str(n), body({"title": "un titre"}), 1) for n in range(3)]
    outcomes = ElasticsearchStore(client, names).write([*small, big])
    assert outcomes[:3] == [Indexed(created=True)] * 3
    assert isinstance(outcomes[3], Rejected)

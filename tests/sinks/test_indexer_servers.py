"""The service on the real Kafka and Elasticsearch."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from schemas.headers import dead_letter_of
from schemas.labels import GeoPoint, Places
from schemas.messages import version_of
from schemas.withdrawals import WithdrawalsInMemory
from sinks.errors import SinkError
from sinks.lookups import find_article
from sinks.mapping import index_names
from sinks.options import IndexerOptions
from sinks.records import Record
from sinks.service import run_indexer
from tests.sinks.fakes import RecordedMetrics
from tests.sinks.samples import (
    article,
    article_id,
    article_record,
    redelivered_record,
    trace,
    trace_record,
    withdrawal_record,
)
from tests.sinks.servers import (
    client_of,
    commit_to,
    dead_letters_of,
    eventually,
    kafka_topics,
    now,
    options_on,
    produce,
    produce_order,
    running_indexer,
    uncommitted_records,
    visible,
)

pytestmark = pytest.mark.servers


@pytest.fixture
def chosen(stack: Any) -> Iterator[IndexerOptions]:
    chosen = options_on(stack)
    with kafka_topics(chosen):
        yield chosen


@pytest.fixture
def client(chosen: IndexerOptions) -> Iterator[Elasticsearch]:
    with client_of(chosen) as client:
        yield client


def settled(chosen: IndexerOptions) -> None:
    eventually(lambda: uncommitted_records(chosen) == 0)


def test_from_records_to_documents(client: Elasticsearch, chosen: IndexerOptions) -> None:
    produce(chosen, [article_record(article(f"article-{n}")) for n in range(40)])
    produce(chosen, [trace_record(trace(f"article-{n}")) for n in range(40)])
    with running_indexer(chosen) as metrics:
        settled(chosen)
        assert visible(client, chosen) == {"articles": 40, "revisions": 40, "trace": 40}
        produce(chosen, [article_record(article("article-7", revision=2, title="Un titre corrigé"))])
        settled(chosen)
        produce(chosen, [withdrawal_record("article-9", version_of(1, 0))])
        settled(chosen)
    assert visible(client, chosen) == {"articles": 39, "revisions": 40, "trace": 39}
    corrected = find_article(client, article_id("article-7"), index_prefix=chosen.index_prefix)
    assert corrected is not None
    assert (corrected.version, corrected.document["title"]) == (version_of(2, 0), "Un titre corrigé")
    assert metrics.gauges["ready"][0] == 0
    assert 1 in metrics.gauges["ready"]


def test_redelivered_from_the_beginning_nothing_changes(client: Elasticsearch, chosen: IndexerOptions) -> None:
    produce(chosen, [article_record(article(f"article-{n}")) for n in range(20)])
    produce(
        chosen, [article_record(article("article-3", revision=2)), withdrawal_record("article-4", version_of(1, 0))]
    )
    with running_indexer(chosen):
        settled(chosen)
    once = visible(client, chosen)
    commit_to(chosen, 0)
    with running_indexer(chosen):
        settled(chosen)
    assert visible(client, chosen) == once == {"articles": 19, "revisions": 20, "trace": 0}


def test_only_committed_transactions_are_indexed(client: Elasticsearch, chosen: IndexerOptions) -> None:
    produce(chosen, [article_record(article("annulé"))], transactions=True, abort=True)
    produce(chosen, [article_record(article("validé"))], transactions=True)
    with running_indexer(chosen):
        eventually(lambda: visible(client, chosen)["articles"] == 1)
    assert find_article(client, article_id("validé"), index_prefix=chosen.index_prefix) is not None
    assert find_article(client, article_id("annulé"), index_prefix=chosen.index_prefix) is None


def test_a_poisoned_document_is_set_aside_and_its_neighbours_are_indexed(
    client: Elasticsearch, chosen: IndexerOptions
) -> None:
    beyond = Places(location=(GeoPoint(95.0, 2.0),))
    records = [article_record(article(f"article-{n}")) for n in range(30)]
    records[12] = article_record(article("article-12", places=beyond))
    records[20] = article_record(article("article-20"), value=b"{")
    produce(chosen, records)
    with running_indexer(chosen):
        settled(chosen)
    dead = {read.key.decode(): dead_letter_of(read.headers) for read in dead_letters_of(chosen)}
    assert {key: letter and letter.reason for key, letter in dead.items()} == {
        article_id("article-12"): "document_rejected",
        article_id("article-20"): "invalid_message",
    }
    assert visible(client, chosen)["articles"] == 28


def test_what_was_ordered_away_stays_away_when_everything_is_delivered_anew(
    client: Elasticsearch, chosen: IndexerOptions
) -> None:
    produce(chosen, [article_record(article(f"article-{n}")) for n in range(20)])
    produce(chosen, [trace_record(trace(f"article-{n}")) for n in range(20)])
    note = trace("article-3", number=2, disposition="withdrawn", url=None, title=None, publisher_id=None)
    with running_indexer(chosen):
        settled(chosen)
        produce_order(chosen, "article", article_id("article-3"))
        produce(chosen, [trace_record(note), withdrawal_record("article-3", version_of(2, 0))])
        settled(chosen)
    once = visible(client, chosen)
    assert once == {"articles": 19, "revisions": 19, "trace": 20}
    commit_to(chosen, 0)
    with running_indexer(chosen):
        produce(chosen, [article_record(article("article-3", revision=3, title="Annoncé de nouveau"))])
        settled(chosen)
    assert visible(client, chosen) == once
    assert find_article(client, article_id("article-3"), index_prefix=chosen.index_prefix) is None


def test_dead_letters_that_are_tried_again(client: Elasticsearch, chosen: IndexerOptions) -> None:
    def letter(record: Record) -> Record:
        return redelivered_record(record, came_from=chosen.topic_prefix + record.partition.kafka_topic)

    old = article_record(article("article-1"))
    produce(chosen, [article_record(article("article-1", revision=2))])
    with running_indexer(chosen):
        settled(chosen)
        produce(chosen, [letter(article_record(article("article-2"))), letter(old), letter(trace_record(trace()))])
        produce(chosen, [letter(article_record(article("article-3"), value=b"{"))])
        settled(chosen)
    assert visible(client, chosen) == {"articles": 2, "revisions": 3, "trace": 1}
    (dead,) = [dead_letter_of(read.headers) for read in dead_letters_of(chosen)]
    assert dead is not None
    assert (dead.kafka_topic, dead.attempts) == (chosen.topic_prefix + "articles.enriched", 2)


def test_two_indexers_share_the_work_and_a_stopped_one_leaves_it(client: Elasticsearch, chosen: IndexerOptions) -> None:
    with running_indexer(chosen):
        with running_indexer(chosen) as second:
            eventually(lambda: 1 in second.gauges["ready"])
            produce(chosen, [article_record(article(f"article-{n}")) for n in range(200)])
            settled(chosen)
        produce(chosen, [article_record(article(f"article-{n}")) for n in range(200, 300)])
        settled(chosen)
    assert visible(client, chosen)["articles"] == 300


def test_it_waits_for_its_topics(client: Elasticsearch, chosen: IndexerOptions) -> None:
    later = replace(chosen, topic_prefix=chosen.topic_prefix + "plus-tard.")
    with running_indexer(later) as metrics:
        eventually(lambda: client.indices.exists(index=index_names(chosen.index_prefix).trace))
        assert metrics.gauges["ready"] == [0]
        with kafka_topics(later):
            produce(later, [article_record(article())])
            eventually(lambda: visible(client, later)["articles"] == 1)


def test_absent_servers_do_not_end_it(chosen: IndexerOptions) -> None:
    nowhere = replace(chosen, kafka="127.0.0.1:1", elasticsearch="http://127.0.0.1:1")
    with running_indexer(nowhere) as metrics:
        eventually(lambda: metrics.counts.get(("heartbeats_total", "index"), 0) > 1)
    assert metrics.gauges["ready"] == [0]


def test_a_contradicting_index_ends_it_with_the_difference(client: Elasticsearch, chosen: IndexerOptions) -> None:
    client.indices.create(
        index=index_names(chosen.index_prefix).trace, mappings={"properties": {"stage": {"type": "text"}}}
    )
    with pytest.raises(SinkError, match="field stage is type text"):
        run_indexer(
            chosen,
            withdrawals=WithdrawalsInMemory(),
            metrics=RecordedMetrics(),
            clock=now,
            stop=threading.Event(),
        )

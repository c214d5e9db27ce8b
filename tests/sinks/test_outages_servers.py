"""Servers killed in the middle of the work: nothing is lost, nothing is there twice.

These tests kill servers, so each has one of its own; the other one is the session's.
"""

import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import helpers

from deploy.stack.local_stack import LocalStack
from schemas.messages import version_of
from sinks.mapping import index_names
from sinks.options import IndexerOptions
from tests.servers import new_data_dir
from tests.sinks.fakes import RecordedMetrics
from tests.sinks.samples import article, article_id, article_record
from tests.sinks.servers import (
    client_of,
    eventually,
    kafka_topics,
    options_on,
    produce,
    running_indexer,
    uncommitted_records,
    visible,
)

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    # kafka-python leaves the sockets of failed connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

ARTICLES = 1500
REVISED = 300


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect such sockets before the filter above is gone; log records would hold them until after it."""
    kafka_python = logging.getLogger("kafka")
    level = kafka_python.level
    kafka_python.setLevel(logging.CRITICAL)
    yield
    kafka_python.setLevel(level)
    gc.collect()


def kill_9(stack: LocalStack, server: str) -> None:
    """Kill a server; its supervisor starts it again on the same data."""
    pid = stack.states()[server].pid
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)


def assert_idle_indexer_notices(stack: LocalStack, server: str, metrics: RecordedMetrics) -> None:
    """A server that answers no more makes an indexer unready that has nothing to write, and it goes on beating."""
    pid = stack.states()[server].pid
    assert pid is not None
    eventually(lambda: metrics.gauges["ready"][-1] == 1)
    os.killpg(pid, signal.SIGSTOP)
    try:
        eventually(lambda: metrics.gauges["ready"][-1] == 0)
        beats = metrics.counts["heartbeats_total", "index"]
        eventually(lambda: metrics.counts["heartbeats_total", "index"] > beats + 2)
    finally:
        os.killpg(pid, signal.SIGCONT)
    eventually(lambda: metrics.gauges["ready"][-1] == 1)


def produce_all(chosen: IndexerOptions) -> None:
    """Every article once, some a second time, in portions."""
    for start in range(0, ARTICLES, 100):
        records = [article_record(article(f"article-{n}")) for n in range(start, start + 100)]
        records += [
            article_record(article(f"article-{n}", revision=2)) for n in range(start, start + 100) if n < REVISED
        ]
        produce(chosen, records)


EXPECTED = {article_id(f"article-{n}"): version_of(2 if n < REVISED else 1, 0) for n in range(ARTICLES)}


def test_elasticsearch_killed_and_restarted(stack: Any) -> None:
    with new_data_dir() as data_dir, LocalStack(data_dir, with_kafka=False, elasticsearch_heap="400m") as own:
        chosen = replace(options_on(stack), elasticsearch=own.elasticsearch, batch_records=100)
        with kafka_topics(chosen), client_of(chosen) as client, running_indexer(chosen) as metrics:
            eventually(lambda: 1 in metrics.gauges["ready"])
            producing = threading.Thread(target=produce_all, args=[chosen])
            producing.start()
            eventually(lambda: metrics.counts.get(("dispositions_total", "index", "indexed"), 0) > 100)
            kill_9(own, "elasticsearch")
            producing.join()
            eventually(lambda: uncommitted_records(chosen) == 0, within_seconds=180)
            assert visible(client, chosen) == {"articles": ARTICLES, "revisions": ARTICLES + REVISED, "trace": 0}
            articles = helpers.scan(
                client, index=index_names(chosen.index_prefix).articles, query={"version": True, "_source": False}
            )
            assert {hit["_id"]: hit["_version"] for hit in articles} == EXPECTED
            assert metrics.gauges["ready"][-3:] == [1, 0, 1]
            assert_idle_indexer_notices(own, "elasticsearch", metrics)


def test_kafka_killed_and_restarted(stack: Any) -> None:
    with new_data_dir() as data_dir, LocalStack(data_dir, with_elasticsearch=False, kafka_heap="256m") as own:
        chosen = replace(options_on(stack), kafka=own.kafka, batch_records=100)
        with kafka_topics(chosen), client_of(chosen) as client, running_indexer(chosen) as metrics:
            eventually(lambda: 1 in metrics.gauges["ready"])
            producing = threading.Thread(target=produce_all, args=[chosen])
            producing.start()
            eventually(lambda: metrics.counts.get(("dispositions_total", "index", "indexed"), 0) > 100)
            kill_9(own, "kafka")
            producing.join()
            eventually(lambda: visible(client, chosen)["articles"] == ARTICLES, within_seconds=180)
            eventually(lambda: uncommitted_records(chosen) == 0, within_seconds=60)
            assert visible(client, chosen) == {"articles": ARTICLES, "revisions": ARTICLES + REVISED, "trace": 0}
            assert_idle_indexer_notices(own, "kafka", metrics)

"""Consume, write, commit: in that order, whatever fails."""

from typing import Any

from structlog.testing import capture_logs

from schemas.articles import Timeline
from schemas.messages import version_of
from sinks.errors import SourceUnavailable
from sinks.kafka_source import Polled
from sinks.operations import SetAside
from sinks.records import Partition
from tests.sinks.bench import BAD_VALUE, P0, P1, Bench, many
from tests.sinks.fakes import ids
from tests.sinks.samples import (
    ARTICLES,
    DISCOVERED,
    NOW,
    TRACES,
    article,
    article_id,
    article_record,
    names,
    trace,
    trace_record,
    withdrawal_record,
)


def test_articles_and_traces_are_indexed_and_committed() -> None:
    bench = Bench(
        [article_record(article(), 4), trace_record(trace(), 9), article_record(article("gare"), 2, partition=1)]
    ).run()
    assert bench.articles == {article_id("halles"), article_id("gare")}
    assert bench.source.committed == {P0: 5, P1: 3, Partition(TRACES, 0): 10}
    assert bench.metrics.gauges["ready"] == [1, 0]


def test_topics_with_a_prefix_are_told_apart() -> None:
    record = article_record(article(), 4, partition=0)
    record = article_record(article(), 4)
    prefixed = type(record)(Partition("kq." + ARTICLES, 0), 4, record.key, record.value, record.headers)
    assert Bench([prefixed], topic_prefix="kq.").run().articles == {article_id("halles")}


def test_a_withdrawal_takes_everything_of_the_article() -> None:
    bench = Bench(
        [article_record(article(), 1), trace_record(trace(), 1)], [withdrawal_record("halles", version_of(1, 0), 2)]
    ).run()
    assert bench.store.documents == {index: {} for index in names().indices}
    assert bench.metrics.counts[("dispositions_total", "index", "withdrawn")] == 1
    assert bench.source.committed[P0] == 3


def test_nothing_is_committed_before_elasticsearch_has_answered() -> None:
    bench = Bench([article_record(article(), 4)])
    bench.store.down = 3
    bench.run()
    assert (bench.source.commits, bench.articles) == ([{P0: 5}], {article_id("halles")})
    assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]
    assert bench.source.paused_polls > 3


def test_an_item_to_be_tried_again_holds_back_its_partition_and_is_written_before_what_follows() -> None:
    bench = Bench(
        [
            article_record(article(), 1),
            withdrawal_record("halles", version_of(2, 0), 2),
            article_record(article("gare"), 1, partition=1),
        ]
    )
    bench.store.busy = {article_id("halles"): 1}
    bench.run()
    assert bench.source.commits == [{P1: 2}, {P0: 3}]
    assert bench.articles == {article_id("gare")}


def test_a_rejected_document_becomes_a_dead_letter_and_its_neighbours_are_indexed() -> None:
    bench = Bench(many(5))
    bench.store.poisoned = {article_id("article-2")}
    bench.run()
    assert ids(bench.dead_letters.records) == [article_id("article-2")]
    assert bench.articles == {article_id(f"article-{n}") for n in (0, 1, 3, 4)}
    assert bench.source.committed == {P0: 5}
    assert bench.metrics.counts[("dead_letters_total", "document_rejected", "index")] == 1


def test_records_that_cannot_be_read_become_dead_letters_and_it_goes_on() -> None:
    bench = Bench(
        [
            article_record(article(), 1, value=BAD_VALUE),
            article_record(article(), 2, key=b"another"),
            withdrawal_record("halles", 1, 3, headers=()),
            trace_record(trace(), 4, value=None),
            article_record(article("gare"), 5),
        ]
    ).run()
    assert len(bench.dead_letters.records) == 4
    assert bench.articles == {article_id("gare")}
    assert bench.source.committed == {P0: 6, Partition(TRACES, 0): 5}
    assert bench.metrics.counts[("dispositions_total", "dead_letter", "index")] == 4


def test_nothing_is_committed_before_dead_letters_are_acknowledged() -> None:
    bench = Bench([article_record(article(), 1, value=BAD_VALUE), article_record(article("gare"), 2)])
    bench.dead_letters.down = 2
    bench.run()
    assert (bench.source.commits, len(bench.dead_letters.records)) == ([{P0: 3}], 1)
    assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]


def test_too_many_dead_letters_in_a_row_pause_and_one_record_is_tried_at_a_time() -> None:
    records = [article_record(article(f"article-{n}"), n, value=BAD_VALUE) for n in range(6)]
    bench = Bench([*records, article_record(article(), 6)], dead_letter_limit=3)
    bench.run()
    assert bench.source.commits == [{P0: 3}, {P0: 4}, {P0: 5}, {P0: 6}, {P0: 7}]
    assert len(bench.dead_letters.records) == 6
    assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]


def test_stopped_while_paused_it_sets_nothing_more_aside() -> None:
    records = [article_record(article(f"article-{n}"), n, value=BAD_VALUE) for n in range(6)]
    bench = Bench(records, dead_letter_limit=3, probe_seconds=0.5)
    original = bench.source.poll

    def poll(timeout_seconds: float, *, paused: bool) -> Polled:
        if paused:
            bench.stop.set()
        return original(timeout_seconds, paused=paused)

    bench.source.poll = poll  # type: ignore[method-assign]
    bench.run()
    assert (bench.source.committed, len(bench.dead_letters.records)) == ({P0: 3}, 3)


def test_revoked_partitions_leave_the_batch_and_are_not_committed() -> None:
    bench = Bench(
        [*many(2), article_record(article("gare"), 1, partition=1)],
        Polled(revoked=frozenset({P0})),
    )
    bench.store.down = 1
    bench.run()
    assert bench.source.commits == [{P1: 2}]
    assert bench.articles == {article_id("gare")}


def test_revoked_partitions_are_read_again_where_the_commit_stands() -> None:
    bench = Bench(many(3), Polled(records=tuple(many(2)), revoked=frozenset({P0})), many(3)[2:])
    bench.store.down = 1
    bench.run()
    assert bench.articles == {article_id(f"article-{n}") for n in range(3)}
    assert bench.source.committed == {P0: 3}


def test_it_is_ready_again_when_what_failed_was_taken_away() -> None:
    bench = Bench(many(1), Polled(revoked=frozenset({P0})), [])
    bench.store.down = 1
    bench.run()
    assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]


def test_a_failed_commit_is_tried_again_with_the_next_poll() -> None:
    bench = Bench([article_record(article(), 4)], [])
    bench.source.commit_failures = 1
    bench.run()
    assert bench.source.commits == [{P0: 5}]
    assert bench.store.writes == [[article_id("halles"), f"{article_id('halles')}:1"]]


def test_a_poll_that_fails_is_tried_again() -> None:
    bench = Bench(SourceUnavailable("KafkaConnectionError: gone"), [article_record(article(), 4)]).run()
    assert bench.source.committed == {P0: 5}
    assert bench.metrics.gauges["ready"] == [0, 1, 0]


def test_a_stop_writes_what_is_pending() -> None:
    bench = Bench(many(3), batch_seconds=3600).run()
    assert bench.source.committed == {P0: 3}


def test_a_stop_during_an_outage_commits_nothing() -> None:
    bench = Bench(many(1))
    bench.store.down = 10_000
    original = bench.store.write

    def write(operations: Any) -> Any:
        bench.stop.set()
        return original(operations)

    bench.store.write = write  # type: ignore[method-assign]
    bench.run()
    assert bench.source.commits == []


def test_reading_pauses_while_a_full_batch_waits() -> None:
    bench = Bench(many(4), batch_records=2).run()
    assert bench.source.commits == [{P0: 2}, {P0: 4}]
    assert bench.source.paused_polls == 1


def test_a_redelivery_is_superseded_and_no_alarm() -> None:
    first, second = article(revision=1), article(revision=2)
    with capture_logs() as logs:
        bench = Bench([article_record(first, 1), article_record(second, 2)], [article_record(first, 1)]).run()
    assert bench.metrics.counts[("dispositions_total", "index", "superseded")] == 1
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []


def test_a_first_revision_below_an_article_of_another_life_is_an_alarm() -> None:
    with capture_logs() as logs:
        Bench([article_record(article(revision=2), 1)], [article_record(article(accepted_at=NOW), 9)]).run()
    assert [entry for entry in logs if entry["log_level"] == "error"] == [
        {
            "event": "first revision superseded by an older article",
            "article_id": article_id("halles"),
            "url": "https://www.courrier-du-val.example/halles",
            "log_level": "error",
        }
    ]


def test_metrics_of_a_batch() -> None:
    timeline = Timeline(discovered=DISCOVERED, fetched=DISCOVERED)
    bench = Bench([article_record(article(timeline=timeline), 1), trace_record(trace(), 1)]).run()
    assert bench.metrics.counts == {
        ("messages_in_total", "index"): 2,
        ("documents_total", "indexed"): 3,
        ("messages_out_total", "index"): 1,
        ("dispositions_total", "index", "indexed"): 1,
        ("heartbeats_total", "index"): 3,  # two turns, and one for the batch
    }
    (age,) = bench.metrics.observations["freshness_seconds"]
    assert 300 < age < 320
    assert {name: len(values) for name, values in bench.metrics.observations.items()} == {
        "bulk_seconds": 1,
        "stage_seconds": 1,
        "freshness_seconds": 1,
    }


def test_the_reason_stands_in_the_log() -> None:
    with capture_logs() as logs:
        bench = Bench([article_record(article(), 7)])
        bench.store.poisoned = {article_id("halles")}
        bench.run()
    assert [entry for entry in logs if entry["event"] == "record set aside"] == [
        {
            "event": "record set aside",
            "reason": "document_rejected",
            "detail": SetAside("", "400 document_parsing_exception: illegal latitude").detail,
            "kafka_topic": ARTICLES,
            "partition": 0,
            "offset": 7,
            "log_level": "warning",
        }
    ]

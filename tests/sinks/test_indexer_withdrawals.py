"""What an order covers is not written again, whatever is delivered; dead letters that are tried again; health."""

import msgspec
import pytest
from structlog.testing import capture_logs

from schemas.failpoints import FailpointReached, arm
from schemas.headers import dead_letter_of, replay_of
from schemas.messages import version_of
from sinks.operations import Withdraw
from sinks.records import Partition
from tests.sinks.bench import BAD_VALUE, P0, Bench, many
from tests.sinks.samples import (
    REDELIVERED,
    article,
    article_id,
    article_record,
    names,
    redelivered_record,
    trace,
    trace_record,
    withdrawal_record,
)

ID = article_id("halles")
R0 = Partition(REDELIVERED, 0)


class TestOrders:
    def test_everything_delivered_anew_leaves_only_that_it_was_withdrawn(self) -> None:
        everything = [
            article_record(article(), 1),
            trace_record(trace(), 1),
            trace_record(trace(number=2, disposition="withdrawn", url=None, title=None, publisher_id=None), 2),
            withdrawal_record("halles", version_of(2, 0), 2),
            article_record(article(revision=3, title="Annoncé de nouveau"), 3),
            article_record(article("gare"), 4),
        ]
        bench = Bench(everything, everything)
        bench.order("article", ID)
        bench.run()
        held = {index: set(documents) for index, documents in bench.store.documents.items()}
        assert held == {
            "essai-articles-v1": {article_id("gare")},
            "essai-revisions": {f"{article_id('gare')}:1"},
            "essai-trace": {f"{ID}-2"},
        }
        assert bench.source.committed == {P0: 5, Partition("articles.trace", 0): 3}
        assert bench.dead_letters.records == []

    def test_an_order_holds_for_every_batch_after_it(self) -> None:
        bench = Bench([article_record(article(), 1)], [article_record(article(revision=2), 2)], batch_records=1)
        write = bench.store.write

        def write_then_order(operations):
            outcomes = write(operations)
            bench.order("publisher", "courrier-du-val.example")
            return outcomes

        bench.store.write = write_then_order  # type: ignore[method-assign]
        bench.run()
        assert bench.store.documents == {index: {} for index in names().indices}
        assert bench.metrics.counts[("dispositions_total", "index", "withdrawn")] == 1

    def test_nothing_is_written_while_the_orders_cannot_be_read(self) -> None:
        bench = Bench(many(2))
        bench.withdrawals.down = 2
        bench.run()
        assert bench.store.writes == [
            [id_ for n in (0, 1) for id_ in (article_id(f"article-{n}"), f"{article_id(f'article-{n}')}:1")]
        ]
        assert bench.source.commits == [{P0: 2}]
        assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]
        assert bench.source.paused_polls > 2


class TestRedelivered:
    def test_a_letter_becomes_what_it_was(self) -> None:
        bench = Bench(
            [
                redelivered_record(article_record(article(), 7), 0),
                redelivered_record(trace_record(trace(), 8), 1),
                redelivered_record(withdrawal_record("gare", version_of(2, 0), 9), 2),
            ]
        ).run()
        assert bench.articles == {ID}
        assert set(bench.store.documents["essai-trace"]) == {f"{ID}-1"}
        assert bench.metrics.counts[("dispositions_total", "index", "withdrawn")] == 1
        assert bench.source.committed == {R0: 3}

    def test_a_letter_older_than_what_stands_is_counted_and_logged(self) -> None:
        with capture_logs() as logs:
            bench = Bench([article_record(article(revision=2), 1)], [redelivered_record(article_record(article()))])
            bench.run()
        assert [entry for entry in logs if entry["event"] == "dead letter superseded"] == [
            {
                "event": "dead letter superseded",
                "article_id": ID,
                "replay_of": "articles.dead:1:7",
                "log_level": "info",
            }
        ]
        assert bench.metrics.counts[("documents_total", "superseded")] == 1
        assert bench.store.documents["essai-trace"] == {}

    def test_a_letter_that_fails_again_still_says_where_it_came_from(self) -> None:
        bench = Bench([redelivered_record(article_record(article(), 7, partition=3, value=BAD_VALUE))]).run()
        (dead,) = bench.dead_letters.records
        letter = dead_letter_of(dead.headers)
        assert letter is not None
        assert (letter.kafka_topic, letter.partition, letter.offset) == ("articles.enriched", 3, 7)
        assert (letter.attempts, letter.reason) == (2, "invalid_message")
        assert replay_of(dead.headers) == "articles.dead:1:7"

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param((), id="none"),
            pytest.param((("kiosque-dead-letter", b"\xff{"),), id="no JSON"),
            pytest.param((("kiosque-dead-letter", b"[" * 200_000),), id="endless"),
            pytest.param((("kiosque-dead-letter", b"{}"),), id="no letter"),
        ],
    )
    def test_a_record_whose_letter_cannot_be_read_is_set_aside(self, headers) -> None:
        record = redelivered_record(article_record(article()))
        bench = Bench([type(record)(record.partition, 5, record.key, record.value, headers)]).run()
        (dead,) = bench.dead_letters.records
        letter = dead_letter_of(dead.headers)
        assert letter is not None
        assert (letter.reason, letter.kafka_topic, letter.offset) == ("invalid_message", REDELIVERED, 5)
        assert bench.source.committed == {R0: 6}

    def test_a_letter_of_another_stage_is_set_aside(self) -> None:
        bench = Bench([redelivered_record(article_record(article()), came_from="articles.fetched")]).run()
        (dead,) = bench.dead_letters.records
        letter = dead_letter_of(dead.headers)
        assert letter is not None
        assert (letter.reason, letter.kafka_topic) == ("invalid_message", REDELIVERED)
        assert bench.articles == set()


class TestHealth:
    def test_it_beats_with_every_turn_also_while_it_waits(self) -> None:
        bench = Bench(many(1))
        bench.store.down = 2
        bench.run()
        turns = len(bench.source.commits) + bench.source.paused_polls
        assert bench.metrics.counts[("heartbeats_total", "index")] >= turns

    @pytest.mark.parametrize("server", ["kafka", "elasticsearch"])
    def test_an_idle_sink_is_not_ready_while_a_server_does_not_answer(self, server: str) -> None:
        bench = Bench(*[[] for _ in range(8)])
        bench.withdrawals.down = 1 if server == "kafka" else 0
        bench.store.silent = 1 if server == "elasticsearch" else 0
        bench.run()
        assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]

    def test_it_is_not_ready_while_offsets_cannot_be_committed(self) -> None:
        bench = Bench(many(1), [], [], [])
        bench.source.commit_failures = 2
        bench.run()
        assert bench.metrics.gauges["ready"] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("name", "written", "dead", "committed"),
    [
        ("index.after_poll", 0, 0, {}),
        ("index.after_dead_letters", 1, 1, {}),
        ("index.after_commit", 1, 1, {P0: 3}),
    ],
)
def test_what_is_done_at_each_failpoint(name: str, written: int, dead: int, committed: dict[Partition, int]) -> None:
    bench = Bench([article_record(article(), 1), article_record(article("gare"), 2, value=BAD_VALUE)])
    arm(f"{name}:1:raise")
    try:
        with pytest.raises(FailpointReached, match=name):
            bench.run()
    finally:
        arm("")
    assert (len(bench.articles), len(bench.dead_letters.records)) == (written, dead)
    assert bench.source.committed == committed


def test_a_withdrawn_note_that_says_too_much_is_stripped() -> None:
    bench = Bench([trace_record(trace(disposition="withdrawn"), 1)])
    bench.order("article", ID)
    bench.run()
    (document,) = bench.store.documents["essai-trace"].values()
    assert {"url", "title", "publisher_id", "feed"}.isdisjoint(document)
    assert msgspec.json.encode(document).count(b"halles") == 0


def test_withdraw_is_below_what_it_must_not_touch() -> None:
    """A covered article is withdrawn at its own version: a later null of it must still win."""
    bench = Bench([article_record(article(revision=2), 1)])
    bench.order("prefix", "https://www.courrier-du-val.example/")
    seen: list[object] = []
    write = bench.store.write
    bench.store.write = lambda operations: (seen.extend(operations), write(operations))[1]  # type: ignore[method-assign]
    bench.run()
    assert seen == [Withdraw("essai-articles-v1", ID, version_of(2, 0))]

"""The pure parts of the benchmarks."""

from collections import Counter

import pytest

from deploy.bench.load import FOR_CLUSTER, FOR_DEDUPE, records
from deploy.bench.process import Work, rate
from deploy.bench.summary import summary
from deploy.errors import StackError
from schemas.codec import decode_fetched, decode_tagged


def test_load_is_the_same_for_the_same_seed_and_has_the_mix_it_says():
    made = list(records(1_000, 7, FOR_DEDUPE, tagged=False))
    assert made == list(records(1_000, 7, FOR_DEDUPE, tagged=False))
    assert made != list(records(1_000, 8, FOR_DEDUPE, tagged=False))
    messages = [decode_fetched(value) for _, value in made]
    ids = Counter(message.article_id for message in messages)
    contents = {(message.article_id, message.text) for message in messages}
    assert len(ids) / 1_000 == pytest.approx(0.70, abs=0.05)
    assert (len(contents) - len(ids)) / 1_000 == pytest.approx(0.15, abs=0.05)
    assert 2_500 < sum(len(message.text) for message in messages) / 1_000 < 6_000


def test_load_for_cluster_has_one_message_an_article():
    messages = [decode_tagged(value) for _, value in records(500, 7, FOR_CLUSTER, tagged=True)]
    assert len({message.article_id for message in messages}) == 500
    assert sum("Repris." in message.text for message in messages) / 500 == pytest.approx(0.2, abs=0.08)


def test_rate_leaves_starting_up_and_idling_out():
    assert rate([(0.0, 0), (5.0, 0), (6.0, 100), (7.0, 1_100), (8.0, 2_100), (9.0, 2_100)]) == 1_000


def test_process_that_was_done_at_once_has_no_rate():
    with pytest.raises(StackError, match="more messages"):
        rate([(0.0, 0), (1.0, 500)])


def test_summary_compares_medians():
    ours = [Work(900.0, 3.0, 100_000_000), Work(1_100.0, 3.5, 90_000_000), Work(1_000.0, 2.5, None)]
    found = summary("dedupe", "100% new", 1_000, ours, [Work(4_000.0, 1.0, None)])
    assert found["ratio"] == 0.25
    assert found["results"]["dedupe"] == {
        "messages_per_second": {"median": 1_000.0, "min": 900.0, "max": 1_100.0},
        "cpu_milliseconds_per_message": 3.0,
        "peak_megabytes": 100,
    }

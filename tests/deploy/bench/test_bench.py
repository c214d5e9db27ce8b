"""The pure parts of the benchmarks."""

import io
from collections import Counter

import pytest
from rich.console import Console

from deploy.bench.load import FOR_CLUSTER, FOR_DEDUPE, records
from deploy.bench.process import Sample, Work, work
from deploy.bench.summary import machine, summary, table
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


def looks(*seen: tuple[float, int, float]) -> list[Sample]:
    return [Sample(*one) for one in seen]


def test_starting_up_and_idling_do_not_count():
    seen = looks((0.0, 0, 0.0), (5.0, 0, 2.0), (6.0, 100, 2.5), (7.0, 1_100, 3.0), (8.0, 2_100, 3.5), (9.0, 2_100, 3.6))
    assert work(seen, 90_000_000) == Work(1_000.0, 0.5, 90_000_000)


@pytest.mark.parametrize("seen", [looks((0.0, 0, 0.0), (1.0, 500, 1.0)), looks((1.0, 500, 1.0), (2.0, 500, 1.0))])
def test_process_that_was_done_at_once_has_no_rate(seen: list[Sample]):
    with pytest.raises(StackError, match="more messages"):
        work(seen)


def test_summary_compares_medians():
    ours = [Work(900.0, 0.4, 100_000_000), Work(1_100.0, 0.6, 90_000_000), Work(1_000.0, 0.5)]
    found = summary("dedupe", "100% new", 1_000, ours, [Work(4_000.0, 0.1)])
    assert found["ratio"] == 0.25
    assert found["results"]["dedupe"] == {
        "messages_per_second": {"median": 1_000.0, "min": 900.0, "max": 1_100.0},
        "cpu_milliseconds_per_message": 0.5,
        "messages_per_cpu_second": 2_000,
        "peak_megabytes": 100,
    }


def test_machine_is_described():
    assert set(machine()) == {"system", "processor", "cores", "memory_gigabytes", "load", "python"}


def test_table_fits_a_narrow_terminal():
    output = io.StringIO()
    found = summary("dedupe", "100% new", 1_000, [Work(1_000.0, 0.5, 10**8)], [Work(4_000.0, 0.1)])
    Console(file=output, width=80).print(table(found))
    row = next(
        line for line in output.getvalue().splitlines() if "dedupe " in line and "1,000" in line and "2,000" in line
    )
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "dedupe",
        "1,000",
        "1,000",
        "1,000",
        "2,000",
        "0.500",
        "100",
    ]

"""When a batch is full or old enough, and what leaves it."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from sinks.batches import PendingRecords
from sinks.records import Partition, Record
from tests.sinks.samples import NOW

LATER = NOW + timedelta(seconds=2)


def pending(*, batch_records: int = 10, batch_bytes: int = 1000, batch_seconds: float = 1) -> PendingRecords:
    return PendingRecords(batch_records=batch_records, batch_bytes=batch_bytes, batch_seconds=batch_seconds)


def record(offset: int, size: int = 10, partition: int = 0) -> Record:
    return Record(Partition("articles.enriched", partition), offset, b"k", b"x" * size)


def test_nothing_is_never_due() -> None:
    waiting = pending()
    waiting.add([], NOW)
    assert (waiting.due(LATER), waiting.batch(), waiting.full) == (False, (), False)


def test_due_when_old_enough() -> None:
    waiting = pending()
    waiting.add([record(1)], NOW)
    assert (waiting.due(NOW), waiting.due(LATER)) == (False, True)


def test_due_when_the_clock_went_backwards() -> None:
    waiting = pending()
    waiting.add([record(1)], NOW)
    assert waiting.due(NOW - timedelta(hours=1))


def test_due_when_full_by_count() -> None:
    waiting = pending(batch_records=2)
    waiting.add([record(1), record(2)], NOW)
    assert waiting.due(NOW)


def test_due_when_full_by_bytes() -> None:
    waiting = pending(batch_bytes=100)
    waiting.add([record(1, size=100)], NOW)
    assert waiting.due(NOW)


def test_a_batch_keeps_to_the_bytes_but_takes_at_least_one_record() -> None:
    waiting = pending(batch_bytes=100)
    waiting.add([record(1, size=700), record(2, size=60), record(3, size=60)], NOW)
    assert waiting.batch() == (record(1, size=700),)
    waiting.remove([record(1, size=700)], NOW)
    assert waiting.batch() == (record(2, size=60),)


def test_a_probe_is_one_record() -> None:
    waiting = pending()
    waiting.add([record(1), record(2)], NOW)
    assert waiting.batch(most=1) == (record(1),)


def test_what_is_not_settled_stays_in_its_order() -> None:
    waiting = pending()
    waiting.add([record(1), record(7, partition=1), record(2)], NOW)
    waiting.remove([record(7, partition=1)], LATER)
    assert (waiting.batch(), waiting.due(LATER)) == ((record(1), record(2)), False)


def test_revoked_partitions_are_dropped() -> None:
    waiting = pending()
    waiting.add([record(1), record(7, partition=1)], NOW)
    waiting.drop({Partition("articles.enriched", 0)})
    assert waiting.batch() == (record(7, partition=1),)
    waiting.drop({Partition("articles.enriched", 1)})
    assert (len(waiting), waiting.due(LATER)) == (0, False)


@given(st.lists(st.integers(0, 80), max_size=40), st.integers(1, 7), st.integers(1, 120))
def test_every_record_is_in_one_batch_and_in_order(sizes: list[int], most: int, most_bytes: int) -> None:
    waiting = pending(batch_records=most, batch_bytes=most_bytes)
    records = [record(offset, size) for offset, size in enumerate(sizes)]
    waiting.add(records, NOW)
    seen: list[Record] = []
    while len(waiting):
        batch = waiting.batch()
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(part.size for part in batch) <= most_bytes
        seen += batch
        waiting.remove(batch, NOW)
    assert seen == records

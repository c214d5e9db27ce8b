"""How much of a batch may be set aside and committed."""

from hypothesis import given
from hypothesis import strategies as st

from sinks.bulk_result import Done, Indexed, Verdict, Wait
from sinks.operations import SetAside
from sinks.records import Partition, Record
from sinks.settlement import Settlement, next_offsets, retry_delay_seconds, settlement

DONE = Done((Indexed(created=True),))
WAIT = Wait("429")
DEAD = SetAside("invalid_message", "no JSON")


def records(*partitions: int) -> list[Record]:
    offsets = dict.fromkeys(partitions, 9)
    made = []
    for number in partitions:
        offsets[number] += 1
        made.append(Record(Partition("articles.enriched", number), offsets[number], b"k", b"v"))
    return made


def test_all_done() -> None:
    assert settlement(records(0, 0), [DONE, DONE], 7, 10) == Settlement((0, 1), 0, paused=False, waiting=None)


def test_a_record_to_be_tried_again_holds_back_its_partition_only() -> None:
    assert settlement(records(0, 1, 0, 1), [DONE, WAIT, DONE, DONE], 0, 10) == Settlement(
        (0, 2), 0, paused=False, waiting="429"
    )


def test_the_limit_of_dead_letters_in_a_row_holds_back_the_rest() -> None:
    assert settlement(records(0, 0, 0, 0), [DEAD, DEAD, DEAD, DONE], 0, 2) == Settlement(
        (0, 1), 2, paused=True, waiting=None
    )


def test_dead_letters_count_on_from_batch_to_batch() -> None:
    assert settlement(records(0, 0), [DEAD, DEAD], 3, 5) == Settlement((0, 1), 5, paused=True, waiting=None)


def test_a_probe_that_is_a_dead_letter_is_set_aside_and_the_pause_goes_on() -> None:
    assert settlement(records(0), [DEAD], 5, 5) == Settlement((0,), 6, paused=True, waiting=None)


def test_a_probe_that_succeeds_ends_the_pause() -> None:
    assert settlement(records(0), [DONE], 6, 5) == Settlement((0,), 0, paused=False, waiting=None)


VERDICTS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([DONE, WAIT, DEAD])), max_size=30)


@given(VERDICTS, st.integers(0, 6), st.integers(1, 6))
def test_a_settled_record_has_no_unsettled_one_before_it_in_its_partition(
    verdicts: list[tuple[int, Verdict]], streak: int, limit: int
) -> None:
    batch = records(*(partition for partition, _ in verdicts))
    result = settlement(batch, [verdict for _, verdict in verdicts], streak, limit)
    settled = [batch[position] for position in result.settled]
    for partition in {record.partition for record in batch}:
        all_of_it = [record for record in batch if record.partition == partition]
        done = [record for record in settled if record.partition == partition]
        assert done == all_of_it[: len(done)]
    assert all(not isinstance(verdicts[position][1], Wait) for position in result.settled)


@given(VERDICTS, st.integers(1, 6))
def test_never_more_dead_letters_in_a_row_than_the_limit(verdicts: list[tuple[int, Verdict]], limit: int) -> None:
    result = settlement(records(*(p for p, _ in verdicts)), [verdict for _, verdict in verdicts], 0, limit)
    in_a_row = 0
    for position in result.settled:
        in_a_row = in_a_row + 1 if verdicts[position][1] is DEAD else 0
        assert in_a_row <= limit


def test_next_offsets_are_one_after_the_last_settled_record() -> None:
    assert next_offsets(records(0, 1, 0)) == {
        Partition("articles.enriched", 0): 12,
        Partition("articles.enriched", 1): 11,
    }


def test_retry_delays_double_up_to_the_longest() -> None:
    assert [retry_delay_seconds(attempt, 0.5, 10) for attempt in (1, 2, 3, 6, 10_000)] == [0.5, 1.0, 2.0, 10, 10]

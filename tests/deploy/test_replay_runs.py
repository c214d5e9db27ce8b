import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import UserError
from deploy.replay.runs import Counts, ReplayRun, decode_run, encode_run, next_number, run_key, unfinished
from deploy.replay.selection import Selection
from tests.articles import NOON, minutes


def run(number: int = 3, **changes) -> ReplayRun:
    known = {
        "run": number,
        "selection": Selection(publisher="phare-ouest.example", since=NOON),
        "started_at": NOON,
        "topic_id": "a-topic",
        "begin_offsets": {0: 0, 5: 100},
        "end_offsets": {0: 50, 5: 150},
        "next_offsets": {0: 0, 5: 100},
    }
    return ReplayRun(**{**known, **changes})


def test_a_run_is_read_as_it_was_written():
    stopped = run().advanced(5, 120, Counts(read=20, selected=7, written=6, withdrawn=1))
    assert decode_run(encode_run(stopped)) == stopped
    assert run_key(stopped.run) == b"3"


@pytest.mark.parametrize("value", [b"", b"{}", b'{"run":3}', b"\xff"])
def test_what_is_no_run_cannot_be_read(value):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_run(value)


def test_a_portion_moves_one_partition_and_adds_its_counts():
    before = run(counts=Counts(read=1, written=1))
    after = before.advanced(5, 125, Counts(read=25, repeated=2, selected=20, written=19, newer=1, unreadable=1))
    assert after == run(
        next_offsets={0: 0, 5: 125},
        counts=Counts(read=26, repeated=2, selected=20, written=20, newer=1, unreadable=1),
    )
    assert (before.done, after.done) == (0.0, 0.25)
    assert run(begin_offsets={}, end_offsets={}, next_offsets={}).done == 1.0


def test_a_run_is_unfinished_until_it_is_ended():
    ended, given_up = run(3).ended(NOON + minutes(1)), run(3).ended(NOON, abandoned=True)
    assert [each.state for each in (run(3), ended, given_up)] == ["unfinished", "finished", "abandoned"]
    assert unfinished({3: ended, 4: run(4)}) == run(4)
    assert unfinished({3: ended, 2: given_up}) is None
    assert unfinished({}) is None


@given(st.sets(st.integers(1, (1 << 20) - 2)))
def test_the_next_run_has_a_number_above_all_before_it(known):
    number = next_number(known)
    assert number >= 1
    assert all(number > before for before in known)


def test_run_numbers_come_to_an_end():
    with pytest.raises(UserError, match="1048575 run numbers are used up"):
        next_number([(1 << 20) - 1])

"""The decision: what a reading is, given what is known of its article."""

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.duplicates import (
    Known,
    New,
    NotModified,
    Reading,
    Redelivery,
    Revision,
    Superseded,
    Withdrawn,
    decide,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
KNOWN = Known(
    offset=10,
    fetched_at=NOON,
    accepted_at=NOON,
    discovered_at=NOON,
    claimed_at=None,
    revision=3,
    fingerprint="1:a",
    reading=2,
    epoch=1,
)
GONE = msgspec.structs.replace(KNOWN, fingerprint="", withdrawn=True)


EARLIER = NOON - timedelta(hours=3)


def reading(offset, fetched_at, fingerprint, number=3, epoch=1):
    return Reading(offset, epoch, fetched_at, number, fingerprint)


@pytest.mark.parametrize(
    ("known", "offset", "fetched_at", "fingerprint", "decision"),
    [
        pytest.param(None, 0, NOON, "1:a", New(), id="never seen"),
        pytest.param(KNOWN, 10, NOON, "1:a", Redelivery(), id="the very record"),
        pytest.param(KNOWN, 9, LATER, "1:b", Redelivery(), id="an earlier record, whatever it holds"),
        pytest.param(KNOWN, 11, LATER, "1:a", NotModified(), id="later, same content"),
        pytest.param(KNOWN, 11, LATER, "1:b", Revision(4, 10), id="later, other content"),
        pytest.param(KNOWN, 11, NOON, "1:b", Revision(4, 10), id="read in the same instant, other content"),
        pytest.param(KNOWN, 11, LATER, "2:b", NotModified(), id="a new way of fingerprinting revises nothing"),
        pytest.param(GONE, 11, LATER, "1:b", Withdrawn(), id="announced again after it was withdrawn"),
        pytest.param(GONE, 10, LATER, "1:b", Redelivery(), id="redelivered after it was withdrawn"),
    ],
)
def test_decision(known, offset, fetched_at, fingerprint, decision):
    assert decide(known, reading(offset, fetched_at, fingerprint)) == decision


@pytest.mark.parametrize(
    ("fetched_at", "number", "decision"),
    [
        pytest.param(EARLIER, 2, Superseded(), id="a poller that woke up late: the same change, read before"),
        pytest.param(EARLIER, 1, Superseded(), id="a dead letter tried again"),
        pytest.param(EARLIER, 3, Revision(4, 10), id="a later change, though the clock was set back"),
        pytest.param(LATER, 1, Revision(4, 10), id="the poller counts anew, though the clock went on"),
    ],
)
def test_order_of_readings(fetched_at, number, decision):
    assert decide(KNOWN, reading(11, fetched_at, "1:b", number)) == decision


@pytest.mark.parametrize(
    ("fingerprint", "decision"),
    [
        pytest.param("1:a", NotModified(), id="known content"),
        pytest.param("1:b", Revision(4, None), id="other content, its former text out of reach"),
    ],
)
def test_offsets_of_another_topic_are_not_compared(fingerprint, decision):
    assert decide(KNOWN, reading(0, LATER, fingerprint, epoch=2)) == decision


def test_rebuilt_state_has_no_former_text():
    rebuilt = msgspec.structs.replace(KNOWN, offset=-1)
    assert decide(rebuilt, reading(0, LATER, "1:b")) == Revision(4, None)


def _run(log, deliveries):
    """Deliver the log's records in the given order of offsets; what came out."""
    state: dict[str, Known] = {}
    out = []
    for offset in deliveries:
        key, content = log[offset]
        at = NOON + timedelta(seconds=offset)
        known = state.get(key)
        match decide(known, Reading(offset, 0, at, 0, content)):
            case New():
                state[key] = Known(offset, at, at, at, None, 1, content)
            case Revision(number=number):
                state[key] = Known(offset, at, NOON, NOON, None, number, content)
            case _:
                continue
        out.append((key, state[key].revision, content))
    return out


@given(
    log=st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["1:x", "1:y"])), max_size=30),
    seed=st.integers(0, 10_000),
)
def test_delivering_any_stretch_again_changes_nothing(log, seed):
    rng = random.Random(seed)
    deliveries: list[int] = []
    position = 0
    while position < len(log):
        step = rng.randint(1, 5)
        deliveries += range(position, min(position + step, len(log)))
        position += step
        if rng.random() < 0.4:
            position = max(0, position - rng.randint(0, 8))
    assert _run(log, deliveries) == _run(log, range(len(log)))

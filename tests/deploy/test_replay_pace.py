from hypothesis import given
from hypothesis import strategies as st

from deploy.replay.pace import TokenBucket

RATES = st.floats(0.1, 1_000)


def test_the_first_portion_goes_at_once_and_the_next_when_its_time_has_come():
    bucket = TokenBucket(20, 20, now=100.0)
    assert bucket.seconds_until_full(100.0) == 0
    bucket.take(20, 100.0)
    assert bucket.seconds_until_full(100.0) == 1.0
    assert bucket.seconds_until_full(100.75) == 0.25
    bucket.take(0, 101.0)
    assert bucket.seconds_until_full(500.0) == 0


def test_a_clock_that_goes_back_gives_nothing_away():
    bucket = TokenBucket(1, 1, now=100.0)
    bucket.take(1, 100.0)
    assert bucket.seconds_until_full(50.0) == 1.0


@given(per_second=RATES, portions=st.lists(st.tuples(st.integers(0, 50), st.floats(0, 10)), max_size=40))
def test_whoever_waits_as_told_never_exceeds_the_rate(per_second, portions):
    size = 50
    now, taken = 0.0, 0
    bucket = TokenBucket(per_second, size, now)
    for count, busy in portions:
        now += bucket.seconds_until_full(now)
        bucket.take(count, now)
        taken += count
        assert taken <= size + per_second * now * (1 + 1e-9) + 1e-6
        now += busy

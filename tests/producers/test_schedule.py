from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from producers.schedule import (
    MOVED_FOR_GOOD,
    Limits,
    interval_after_failure,
    interval_after_success,
    is_due,
    is_page_due,
    next_poll_at,
    page_retry_seconds,
    retry_after_seconds,
    with_answer,
    with_move,
)
from tests.producers.samples import NOON, feed_state, pending

LIMITS = Limits(min_seconds=300, max_seconds=86400)
IN_AN_HOUR = "Sat, 14 Mar 2026 13:00:00 GMT"
AN_HOUR_AGO = "Sat, 14 Mar 2026 11:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "ttl", "seconds"),
    [
        ({}, None, 300),
        ({"cache-control": "public, max-age=43200"}, None, 43200),
        ({"cache-control": "max-age=60"}, None, 300),
        ({"cache-control": "max-age=0"}, None, 300),
        ({"cache-control": "no-cache, max-age=7200"}, None, 300),
        ({"cache-control": "no-store"}, 3600, 3600),
        ({"expires": IN_AN_HOUR}, None, 3600),
        ({"expires": AN_HOUR_AGO}, None, 300),
        ({"expires": "0"}, None, 300),
        ({"cache-control": "max-age=600", "expires": IN_AN_HOUR}, None, 600),
        ({}, 60, 300),
        ({}, 525600 * 60, 86400),
        ({"cache-control": "max-age=999999999"}, None, 86400),
    ],
    ids=str,
)
def test_interval_after_success(headers: dict[str, str], ttl: int | None, seconds: float) -> None:
    assert interval_after_success(headers, ttl, NOON, LIMITS) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "failures", "seconds"),
    [
        (429, {"retry-after": "3600"}, 1, 3600),
        (503, {"retry-after": IN_AN_HOUR}, 1, 3600),
        (429, {"retry-after": "1"}, 1, 300),
        (429, {"retry-after": "99999999"}, 1, 86400),
        (429, {"retry-after": "-5"}, 2, 1200),
        (429, {"retry-after": "abc"}, 2, 1200),
        (503, {"retry-after": AN_HOUR_AGO}, 2, 1200),
        (500, {"retry-after": "3600"}, 1, 600),
        (404, {}, 1, 600),
        (None, {}, 3, 2400),
        (None, {}, 1000, 86400),
    ],
    ids=str,
)
def test_interval_after_failure(status: int | None, headers: dict[str, str], failures: int, seconds: float) -> None:
    assert interval_after_failure(status, headers, failures, NOON, LIMITS) == seconds


@given(
    st.sampled_from([None, 200, 404, 429, 500, 503]),
    st.dictionaries(st.sampled_from(["retry-after", "cache-control", "expires"]), st.text(max_size=30)),
    st.integers(1, 10_000),
    st.floats(0, 1, exclude_max=True),
)
def test_the_next_poll_lies_ahead_and_a_failing_feed_is_never_abandoned(
    status: int | None, headers: dict[str, str], failures: int, jitter: float
) -> None:
    for seconds in (
        interval_after_failure(status, headers, failures, NOON, LIMITS),
        interval_after_success(headers, None, NOON, LIMITS),
    ):
        due = next_poll_at(NOON, seconds, jitter)
        assert NOON + timedelta(seconds=300) <= due <= NOON + timedelta(seconds=86400 * 1.1)


@given(st.text(max_size=40))
@example("²")  # a digit to str.isdigit, none to float
def test_any_retry_after_gives_seconds_or_none(value: str) -> None:
    seconds = retry_after_seconds({"retry-after": value}, NOON)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "attempts", "seconds"),
    [(None, 1, 60), (None, 2, 240), (500, 3, 960), (404, 1, 60), (404, 2, None), (403, 1, None), (451, 1, None)],
)
def test_when_a_page_is_asked_for_again(status: int | None, attempts: int, seconds: float | None) -> None:
    assert page_retry_seconds(status, {}, attempts, NOON) == seconds


def test_a_busy_server_says_when_a_page_is_asked_for_again() -> None:
    assert page_retry_seconds(429, {"retry-after": "7"}, 1, NOON) == 7


def test_validators_are_kept_byte_for_byte() -> None:
    answer = {"etag": 'W/"a b"', "last-modified": "Sat, 14 mar 2026 9:1:2 GMT"}
    state = with_answer(feed_state(failures=3), answer, keep_validators=True, body_hash="b")
    assert (state.etag, state.last_modified, state.body_hash, state.failures) == (*answer.values(), "b", 0)


def test_a_new_answer_without_validators_has_none() -> None:
    state = with_answer(feed_state(), {}, keep_validators=True, body_hash="b")
    assert (state.etag, state.last_modified) == (None, None)


def test_a_304_replaces_the_validators_that_it_carries() -> None:
    state = with_answer(feed_state(), {"etag": '"new"'}, keep_validators=True)
    assert (state.etag, state.last_modified) == ('"new"', feed_state().last_modified)


def test_an_incomplete_document_leaves_no_validators() -> None:
    state = with_answer(feed_state(body_hash="b"), {"etag": '"x"'}, keep_validators=False)
    assert (state.etag, state.last_modified, state.body_hash) == (None, None, None)


def test_the_same_permanent_redirect_in_a_row_replaces_the_address() -> None:
    state = feed_state()
    addresses = []
    for _ in range(MOVED_FOR_GOOD):
        state = with_move(state, "https://new.lecanal.example/rss")
        addresses.append(state.address)
    assert addresses == [None] * (MOVED_FOR_GOOD - 1) + ["https://new.lecanal.example/rss"]
    assert (state.url, state.etag, state.moved_to) == (feed_state().url, None, None)


def test_a_redirect_that_is_not_seen_again_is_forgotten() -> None:
    state = with_move(with_move(feed_state(), "https://a.example/"), None)
    assert (state.moved_to, state.moved_count) == (None, 0)


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"next_poll_at": None}, True),
        ({"next_poll_at": NOON}, True),
        ({"next_poll_at": NOON + timedelta(seconds=1)}, False),
        ({"next_poll_at": None, "gone": True}, False),
    ],
)
def test_is_due(change: dict[str, object], due: bool) -> None:
    assert is_due(feed_state(**change), NOON, LIMITS) is due


@pytest.mark.parametrize(
    ("polled_at", "next_at", "due"),
    [
        (timedelta(hours=3), timedelta(hours=4), True),
        (timedelta(seconds=2), timedelta(minutes=5), False),  # another poller's clock
        (None, timedelta(days=1.1), False),
        (None, timedelta(days=1.2), True),  # further ahead than any rule allows
    ],
)
def test_a_feed_from_the_future_is_due(polled_at: timedelta | None, next_at: timedelta, due: bool) -> None:
    state = feed_state(last_polled_at=polled_at and NOON + polled_at, next_poll_at=NOON + next_at)
    assert is_due(state, NOON, LIMITS) is due
    assert is_due(feed_state(last_polled_at=NOON + timedelta(hours=3), gone=True), NOON, LIMITS) is False


@pytest.mark.parametrize(
    ("put_off_at", "next_at", "due"),
    [
        (None, None, True),
        (None, timedelta(), True),
        (None, timedelta(seconds=1), False),
        (timedelta(minutes=-1), timedelta(days=5), False),  # a long Retry-After
        (timedelta(hours=3), timedelta(hours=4), True),
        (None, timedelta(days=8), True),
    ],
)
def test_is_page_due(put_off_at: timedelta | None, next_at: timedelta | None, due: bool) -> None:
    page = pending(
        discovered_at=NOON,
        last_try_at=None if put_off_at is None else NOON + put_off_at,
        next_try_at=None if next_at is None else NOON + next_at,
    )
    assert is_page_due(page, NOON) is due


def test_a_page_that_was_put_off_before_its_last_try_was_remembered_is_judged_by_its_discovery() -> None:
    page = pending(discovered_at=NOON + timedelta(hours=3), next_try_at=NOON + timedelta(hours=4))
    assert is_page_due(page, NOON) is True


@given(
    polled_before=st.floats(0, 86_400),
    status=st.sampled_from([None, 429, 503, 500, 404]),
    retry_after=st.integers(0, 10**11),
    failures=st.integers(1, 40),
    jitter=st.floats(0, 0.999),
    back=st.floats(61, 10**7),
)
def test_however_far_the_clock_is_set_back_everything_is_asked_at_once_and_else_when_it_is_due(
    polled_before: float, status: int | None, retry_after: int, failures: int, jitter: float, back: float
) -> None:
    headers = {"retry-after": str(retry_after)}
    polled_at = NOON - timedelta(seconds=polled_before)
    seconds = interval_after_failure(status, headers, failures, polled_at, LIMITS)
    state = feed_state(last_polled_at=polled_at, next_poll_at=next_poll_at(polled_at, seconds, jitter))
    assert is_due(state, polled_at - timedelta(seconds=back), LIMITS)
    assert is_due(state, NOON, LIMITS) is (state.next_poll_at <= NOON)

    wait = page_retry_seconds(status, headers, failures, polled_at) or 0.0
    page = pending(discovered_at=NOON, last_try_at=polled_at, next_try_at=polled_at + timedelta(seconds=wait))
    assert is_page_due(page, polled_at - timedelta(seconds=back))
    assert is_page_due(page, NOON) is (page.next_try_at <= NOON)

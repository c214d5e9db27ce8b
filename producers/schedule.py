"""Response facts -> when a feed is asked again, and what its memory says of it. Rules with their RFC sections.

A failing feed backs off and is never abandoned; only 410 stops it. Jitter comes in as a number in [0, 1).

A clock that is set back silences nothing: what was done in the future, or is due later than any rule can ask for, is
due now.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec
from msgspec import Struct

from producers.records import FeedState, PendingPage

MOVED_FOR_GOOD: Final = 3
"""Polls in a row that must show the same permanent redirect before the feed's address is replaced."""

_MAX_AGE: Final = re.compile(r"\bmax-age=\"?(\d{1,9})\b", re.IGNORECASE)
_UNCACHED: Final = re.compile(r"\b(?:no-store|no-cache)\b", re.IGNORECASE)
_JITTER_SHARE: Final = 0.1
_BUSY: Final = frozenset({429, 503})
_REFUSED: Final = frozenset({401, 403, 451})
_MISSING: Final = frozenset({404, 410})
_FIRST_PAGE_RETRY_SECONDS: Final = 60.0
_LONGEST_PAGE_WAIT: Final = timedelta(days=7)
_CLOCKS_DIFFER_BY: Final = timedelta(minutes=1)
"""Two pollers' clocks do, and one clock is put right by so much: no reason to ask anybody earlier than agreed."""


class Limits(Struct, frozen=True, kw_only=True):
    """The poll interval's floor and ceiling, in seconds."""

    min_seconds: float
    max_seconds: float


def interval_after_success(headers: Mapping[str, str], ttl_seconds: int | None, now: datetime, limits: Limits) -> float:
    """Seconds until the next poll after a good answer: the longest of what anybody asks for, within the limits.

    `Cache-Control: max-age` (RFC 9111 §5.2.2.1) counts before `Expires` (§5.3); `no-store`, `max-age=0` and dates in
    the past mean the floor, not a tight loop.
    """
    wishes = [limits.min_seconds, float(ttl_seconds or 0), _freshness_seconds(headers, now)]
    return min(max(wishes), limits.max_seconds)


def interval_after_failure(
    status: int | None, headers: Mapping[str, str], failures: int, now: datetime, limits: Limits
) -> float:
    """Seconds until the next poll after the `failures`-th failure in a row: doubling, or as long as the server asks.

    Retry-After counts for 429 and 503 (RFC 9110 §10.2.3, RFC 6585 §4), as seconds or date, up to the ceiling.
    """
    backoff = min(limits.min_seconds * 2.0 ** min(failures, 30), limits.max_seconds)
    asked = retry_after_seconds(headers, now) if status in _BUSY else None
    return backoff if asked is None else min(max(asked, limits.min_seconds), limits.max_seconds)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """What Retry-After asks for, in seconds from now; None for absent, negative or unreadable values."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 12:  # noqa: PLR2004 more digits are nonsense
        return float(value)
    moment = _http_date(value)
    return None if moment is None or moment < now else (moment - now).total_seconds()


def page_retry_seconds(status: int | None, headers: Mapping[str, str], attempts: int, now: datetime) -> float | None:
    """Seconds until a page is asked for again after its `attempts`-th failure; None if it should not be.

    401, 403 and 451 are a publisher's no; 404 and 410 are asked twice, because a page may appear after its entry.
    Retry-After counts up to a week.
    """
    if status in _REFUSED or (status in _MISSING and attempts > 1):
        return None
    delay = _FIRST_PAGE_RETRY_SECONDS * 4.0 ** min(attempts - 1, 6)
    asked = retry_after_seconds(headers, now) if status in _BUSY else None
    return delay if asked is None else min(max(asked, 1.0), _LONGEST_PAGE_WAIT.total_seconds())


def next_poll_at(now: datetime, interval_seconds: float, jitter: float) -> datetime:
    """The moment of the next poll; jitter in [0, 1) adds up to a tenth, so that feeds drift apart."""
    return now + timedelta(seconds=interval_seconds * (1 + _JITTER_SHARE * jitter))


def is_due(state: FeedState, now: datetime, limits: Limits) -> bool:
    """Whether the feed may be asked now."""
    if state.gone:
        return False
    ceiling = timedelta(seconds=limits.max_seconds * (1 + _JITTER_SHARE))
    return _is_due(state.next_poll_at, ceiling, state.last_polled_at, now)


def is_page_due(page: PendingPage, now: datetime) -> bool:
    """Whether the page may be asked for now."""
    return _is_due(page.next_try_at, _LONGEST_PAGE_WAIT, page.last_try_at or page.discovered_at, now)


def is_ahead(moment: datetime | None, now: datetime) -> bool:
    """Whether something was done in the future: the clock was set back since."""
    return moment is not None and moment > now + _CLOCKS_DIFFER_BY


def _is_due(due_at: datetime | None, ceiling: timedelta, done_at: datetime | None, now: datetime) -> bool:
    """Due at a moment that was chosen at `done_at`, at most `ceiling` ahead."""
    return due_at is None or due_at <= now or due_at > now + ceiling or is_ahead(done_at, now)


def with_answer(
    state: FeedState, headers: Mapping[str, str], *, keep_validators: bool, body_hash: str | None = None
) -> FeedState:
    """The memory after a good answer: validators byte-exact as sent, failures forgotten.

    A 304 may carry new validators, which replace the old ones (RFC 9111 §4.3.4). An incomplete document's validators
    must not be kept: the next poll would be told that nothing is new.
    """
    if not keep_validators:
        return msgspec.structs.replace(state, failures=0, etag=None, last_modified=None, body_hash=None)
    return msgspec.structs.replace(
        state,
        failures=0,
        etag=headers.get("etag", state.etag if body_hash is None else None),
        last_modified=headers.get("last-modified", state.last_modified if body_hash is None else None),
        body_hash=body_hash or state.body_hash,
    )


def with_move(state: FeedState, target: str | None) -> FeedState:
    """The memory after an answer that was (or was not) reached by permanent redirects only (301, 308).

    The same target on MOVED_FOR_GOOD polls in a row replaces the address; validators belong to an address and go.
    """
    if target is None:
        return msgspec.structs.replace(state, moved_to=None, moved_count=0)
    count = state.moved_count + 1 if target == state.moved_to else 1
    if count < MOVED_FOR_GOOD:
        return msgspec.structs.replace(state, moved_to=target, moved_count=count)
    return msgspec.structs.replace(
        state, address=target, moved_to=None, moved_count=0, etag=None, last_modified=None, body_hash=None
    )


def _freshness_seconds(headers: Mapping[str, str], now: datetime) -> float:
    control = headers.get("cache-control", "")
    if _UNCACHED.search(control):
        return 0.0
    max_age = _MAX_AGE.search(control)
    if max_age:
        return float(max_age.group(1))
    expires = _http_date(headers.get("expires", ""))
    return 0.0 if expires is None else max(0.0, (expires - now).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

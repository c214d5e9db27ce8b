"""One poll of one feed, carried out.

    conditional GET ─► unchanged? ─► parse (worker process) ─► decide ─► page records acked ─► feed record acked

What follows from an answer is decided in schedule.py and decide.py. Whatever goes wrong becomes the feed's status and a
later poll; nothing is raised but cancellation and NotOwned.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
import structlog

from producers.article import trace_of, withdrawn_trace
from producers.catalogue import Feed
from producers.decide import Decision, decide, with_reading
from producers.entries import Entry, ParsedFeed
from producers.errors import FetchFailed, IsolationFailed
from producers.extraction_pool import Isolation
from producers.feed_state import FeedStates
from producers.fetcher import Response
from producers.options import PollerOptions
from producers.publisher import ArticlePublisher
from producers.records import FeedState, PendingPage, Seen
from producers.schedule import (
    interval_after_failure,
    interval_after_success,
    next_poll_at,
    with_answer,
    with_move,
)
from producers.web import Web
from producers.withdrawn import WithdrawalCheck
from schemas.failpoints import failpoint
from schemas.metrics import Metrics

_log = structlog.get_logger(__name__)


class FeedPoller:
    """Polls feeds one at a time for each politeness group.

    Args:
        web: requests.
        pool: parsing.
        states: memory.
        withdrawals: what must stay away; asked before an entry that is too old is traced.
        publisher: traces of entries that are too old.
        options: intervals, first run.
        metrics: dispositions.
        clock: aware UTC.
        jitter: numbers in [0, 1).
    """

    def __init__(
        self,
        *,
        web: Web,
        pool: Isolation,
        states: FeedStates,
        withdrawals: WithdrawalCheck,
        publisher: ArticlePublisher,
        options: PollerOptions,
        metrics: Metrics,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._web = web
        self._pool = pool
        self._states = states
        self._withdrawals = withdrawals
        self._publisher = publisher
        self._first_run_hours = options.first_run_hours
        self._limits = options.limits
        self._metrics = metrics
        self._clock = clock
        self._jitter = jitter

    async def poll(self, feed: Feed) -> None:
        """Ask the feed and remember what it said; new and changed entries become pending pages.

        Raises:
            NotOwned: another poller has taken the feed over; it is not remembered.
        """
        state = self._states.feed(feed.url) or FeedState(url=feed.url, group=feed.group)
        address = state.address or feed.url
        log = _log.bind(feed=feed.url)
        try:
            response = await self._web.feed(address, etag=state.etag, last_modified=state.last_modified)
        except FetchFailed as failure:
            log.info("feed poll failed", status=failure.slug, detail=failure.detail)
            await self._save_failure(state, failure.slug)
            return
        failpoint("poll.after_feed_answer")
        if response.status == HTTPStatus.GONE:
            log.warning("feed gone", status=response.status)
            await self._states.save(self._polled(state, "410", gone=True))
        elif response.status == HTTPStatus.NOT_MODIFIED:
            await self._save_unchanged(state, response, "304")
        elif response.status != HTTPStatus.OK:
            log.info("feed poll failed", status=response.status)
            await self._save_failure(state, str(response.status), response)
        else:
            await self._read(feed, state, response)

    async def put_off(self, feed: Feed) -> None:
        """After an error of our own: the feed backs off as after a server's.

        Raises:
            NotOwned: another poller has taken the feed over.
        """
        await self._save_failure(
            self._states.feed(feed.url) or FeedState(url=feed.url, group=feed.group), "internal_error"
        )

    async def _read(self, feed: Feed, state: FeedState, response: Response) -> None:
        digest = hashlib.blake2b(response.body, digest_size=16).hexdigest()
        etag = response.headers.get("etag")
        if digest == state.body_hash or (etag is not None and etag == state.etag):
            await self._save_unchanged(state, response, "unchanged")
            return
        try:
            parsed = await self._pool.parse_feed(response.body, url=response.url, headers=response.headers)
        except IsolationFailed as failure:
            _log.warning("feed not parsed", feed=feed.url, status=failure.slug, detail=failure.detail)
            await self._save_failure(state, f"parse_{failure.slug}", response)
            return
        if not parsed.is_feed:
            _log.warning("feed is no feed", feed=feed.url, problems=parsed.problems)
            await self._save_failure(state, "not_a_feed", response)
            return
        await self._take_in(feed, state, response, parsed, digest)

    async def _take_in(self, feed: Feed, state: FeedState, response: Response, parsed: ParsedFeed, digest: str) -> None:
        now = self._clock()
        decision = decide(
            state,
            parsed.entries,
            known=self._known_elsewhere(feed),
            waiting={page.entry.id: page for page in self._states.pages() if page.group == feed.group},
            now=now,
            first_run_hours=self._first_run_hours,
        )
        pages = [
            *(_pending(feed, entry, parsed, decision.seen, "new") for entry in decision.new),
            *(_pending(feed, entry, parsed, decision.seen, "changed") for entry in decision.changed),
        ]
        await asyncio.gather(*(self._states.save(page) for page in pages))
        failpoint("poll.after_pages_saved")
        await self._trace_early(feed, decision, now)
        answered = with_answer(
            state, response.headers, keep_validators=parsed.complete, body_hash=digest if parsed.complete else None
        )
        moved = with_move(with_reading(answered, decision, now), response.moved_for_good)
        interval = interval_after_success(response.headers, parsed.ttl_seconds, now, self._limits)
        await self._states.save(self._polled(moved, "200", interval=interval))
        failpoint("poll.after_feed_saved")
        _log.info(
            "feed polled",
            feed=feed.url,
            entries=len(parsed.entries),
            new=len(decision.new),
            changed=len(decision.changed),
            before_start=len(decision.before_start),
            problems=parsed.problems,
        )

    async def _trace_early(self, feed: Feed, decision: Decision, now: datetime) -> None:
        early = [_pending(feed, entry, ParsedFeed(), decision.seen, "new") for entry in decision.before_start]
        orders = await asyncio.gather(*(self._withdrawals.order_for(page) for page in early))
        traces = [
            trace_of(page, "before_start", detail=None, content="", now=now)
            if order is None
            else withdrawn_trace(page, order, now)
            for page, order in zip(early, orders, strict=True)
        ]
        await asyncio.gather(*(self._publisher.trace(trace) for trace in traces))
        for trace in traces:
            self._metrics.count("dispositions_total", stage="poll", disposition=trace.disposition)

    def _known_elsewhere(self, feed: Feed) -> Mapping[str, Mapping[str, int]]:
        """Entry id -> hashes under which the group's other feeds show it, with the highest reading of each."""
        known: dict[str, dict[str, int]] = {}
        for other in self._states.feeds_of(feed.group):
            if other.url != feed.url:
                for entry_id, seen in other.seen.items():
                    readings = known.setdefault(entry_id, {})
                    readings[seen.entry_hash] = max(seen.reading, readings.get(seen.entry_hash, 0))
        return known

    async def _save_unchanged(self, state: FeedState, response: Response, status: str) -> None:
        answered = with_move(with_answer(state, response.headers, keep_validators=True), response.moved_for_good)
        interval = interval_after_success(response.headers, None, self._clock(), self._limits)
        await self._states.save(self._polled(answered, status, interval=interval))

    async def _save_failure(self, state: FeedState, status: str, response: Response | None = None) -> None:
        failures = state.failures + 1
        failed = msgspec.structs.replace(state, failures=failures)
        code, headers = (response.status, response.headers) if response else (None, {})
        interval = interval_after_failure(code, headers, failures, self._clock(), self._limits)
        await self._states.save(self._polled(failed, status, interval=interval))

    def _polled(self, state: FeedState, status: str, *, interval: float = 0.0, gone: bool = False) -> FeedState:
        now = self._clock()
        due = None if gone else next_poll_at(now, interval, self._jitter())
        return msgspec.structs.replace(state, status=status, gone=gone, last_polled_at=now, next_poll_at=due)


def _pending(feed: Feed, entry: Entry, parsed: ParsedFeed, seen: Mapping[str, Seen], kind: str) -> PendingPage:
    return PendingPage(
        entry=entry,
        kind="changed" if kind == "changed" else "new",
        publisher=feed.publisher,
        feed=feed.url,
        group=feed.group,
        section=feed.section,
        language=parsed.language or feed.language,
        discovered_at=datetime.fromtimestamp(seen[entry.id].first_seen, UTC),
        reading=seen[entry.id].reading,
    )

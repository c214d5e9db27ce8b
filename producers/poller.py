"""The service loop: who is due, who works, who must stop.

    tick ─► groups with a due feed or page ─► one worker each: feeds and pages by turns, newest first

One worker for a politeness group is what keeps requests to its host one after the other; while a page is extracted and
published, the worker already asks for the next. A feed or page that fails is its own affair. What to do is decided by
decide.py and schedule.py, done by feed_poll.py and page_reader.py.

Work ends when its group goes to another poller: the memory says so before it gives a group up (`release`), or refuses
to write when it finds out too late (NotOwned). Each turn of the loop is a heartbeat, also while Kafka is absent.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from producers.catalogue import Catalogue, Feed
from producers.errors import NotOwned
from producers.feed_poll import FeedPoller
from producers.feed_state import FeedStates, partition_of
from producers.page_reader import Fetched, PageReader
from producers.records import FeedState, PendingPage
from producers.schedule import Limits, is_ahead, is_due, is_page_due
from schemas.metrics import Metrics

_log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 0.25
_PAGES_BETWEEN_LOOKS: Final = 20
_OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUSES: Final = ("new", "ok", "failing", "gone")


class Poller:
    """Keeps the workers going until told to stop.

    Args:
        catalogue: the feeds.
        feeds: polls one feed.
        pages: reads one page.
        states: memory, which says what is owned.
        limits: between two polls of a feed.
        is_healthy: False while Kafka does not take or give records: no new work then.
        metrics: readiness, feeds by status.
        clock: aware UTC.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        feeds: FeedPoller,
        pages: PageReader,
        states: FeedStates,
        limits: Limits,
        is_healthy: Callable[[], bool],
        metrics: Metrics,
        clock: Callable[[], datetime],
    ) -> None:
        self._by_group: dict[str, list[Feed]] = {}
        for feed in catalogue.feeds:
            self._by_group.setdefault(feed.group, []).append(feed)
        self._feeds = feeds
        self._pages = pages
        self._states = states
        self._limits = limits
        self._is_healthy = is_healthy
        self._metrics = metrics
        self._clock = clock
        self._stopping = False
        self._clock_was_ahead = False
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._settling: dict[asyncio.Task[None], PendingPage] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; `drain` ends what is in flight."""
        while not stop.is_set():
            ready = self._states.is_ready() and self._is_healthy()
            self._metrics.gauge("ready", 1.0 if ready else 0.0, stage="poll")
            self._metrics.count("heartbeats_total", stage="poll")
            if ready:
                self._start_workers()
                self._report()
            try:
                await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
            except TimeoutError:
                continue
        self._metrics.gauge("ready", 0.0, stage="poll")

    async def drain(self, seconds: float) -> None:
        """Let every worker end its request and every article in flight be acknowledged; then cancel the rest."""
        self._stopping = True
        running = [*self._workers.values(), *self._settling]
        if running:
            await asyncio.wait(running, timeout=seconds)
        await self._cancel([*self._workers.values(), *self._settling])

    async def release(self, partitions: frozenset[int]) -> None:
        """End all work on partitions that are being taken away."""
        workers = [task for group, task in self._workers.items() if partition_of(group) in partitions]
        settling = [task for task, page in self._settling.items() if partition_of(page.group) in partitions]
        await self._cancel([*workers, *settling])

    async def _cancel(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        waited = list(tasks)
        for task in waited:
            task.cancel()
        await asyncio.gather(*waited, return_exceptions=True)

    def _start_workers(self) -> None:
        now, owned = self._clock(), self._states.owned()
        groups = {group for group, feeds in self._by_group.items() if any(self._is_due(feed, now) for feed in feeds)}
        groups |= {page.group for page in self._states.pages() if is_page_due(page, now)}
        for group in groups:
            if group not in self._workers and partition_of(group) in owned:
                task = asyncio.create_task(self._work(group))
                self._workers[group] = task
                task.add_done_callback(partial(self._worker_ended, group))

    def _worker_ended(self, group: str, task: asyncio.Task[None]) -> None:
        del self._workers[group]
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, NotOwned):
            _log.info("work ended, its feeds are another poller's", group=group)
        elif error is not None:
            _log.error("worker ended", group=group, error=repr(error))

    async def _work(self, group: str) -> None:
        """Everything that is due in a group: feeds and pages by turns, so that neither starves the other."""
        pages: list[PendingPage] = []
        while not self._stopping and self._is_healthy() and partition_of(group) in self._states.owned():
            feed = self._due_feed(group)
            if feed is not None:
                await self._poll(feed)
            if feed is not None or not pages:
                pages = self._waiting_pages(group)[:_PAGES_BETWEEN_LOOKS]
            if pages:
                await self._read(pages.pop(0))
            elif feed is None:
                return

    async def _poll(self, feed: Feed) -> None:
        try:
            await self._feeds.poll(feed)
        except NotOwned:
            raise
        except Exception:  # noqa: BLE001 a bug met by one feed must not stop the others
            _log.exception("internal error", feed=feed.url)
            await self._feeds.put_off(feed)

    async def _read(self, page: PendingPage) -> None:
        if not self._states.is_current(page):
            return
        try:
            fetched = await self._pages.fetch(page)
        except NotOwned:
            raise
        except Exception:  # noqa: BLE001 a bug met by one page must not stop the others
            _log.exception("internal error", url=page.entry.url)
            await self._pages.put_off(page)
            return
        if fetched is None:
            return
        task = asyncio.create_task(self._settle(page, fetched))
        self._settling[task] = page
        task.add_done_callback(partial(self._settled, fetched))

    async def _settle(self, page: PendingPage, fetched: Fetched) -> None:
        with suppress(NotOwned):
            try:
                await self._pages.settle(page, fetched)
            except NotOwned:
                raise
            except Exception:  # noqa: BLE001 a bug met by one page must not stop the others
                _log.exception("internal error", url=page.entry.url)
                await self._pages.put_off(page)

    def _settled(self, fetched: Fetched, task: asyncio.Task[None]) -> None:
        del self._settling[task]
        self._pages.let_go(fetched)

    def _is_due(self, feed: Feed, now: datetime) -> bool:
        return is_due(self._states.feed(feed.url) or FeedState(url=feed.url, group=feed.group), now, self._limits)

    def _due_feed(self, group: str) -> Feed | None:
        now = self._clock()
        return next((feed for feed in self._by_group.get(group, ()) if self._is_due(feed, now)), None)

    def _waiting_pages(self, group: str) -> list[PendingPage]:
        """Due pages of a group that nobody is at, newest first."""
        now, busy = self._clock(), {page.entry.id for page in self._settling.values()}
        due = [
            page
            for page in self._states.pages()
            if page.group == group and is_page_due(page, now) and page.entry.id not in busy
        ]
        return sorted(due, key=lambda page: page.entry.published_at or _OLDEST, reverse=True)

    def _report(self) -> None:
        owned = self._states.owned()
        groups = [feeds for group, feeds in self._by_group.items() if partition_of(group) in owned]
        known = [self._states.feed(feed.url) for feeds in groups for feed in feeds]
        counts = Counter(_status(state) for state in known)
        for status in _STATUSES:
            self._metrics.gauge("feeds", counts[status], status=status)
        self._report_clock([state for state in known if state is not None])

    def _report_clock(self, known: list[FeedState]) -> None:
        """Say once that the clock was set back; it is over when all feeds polled in its future are polled anew."""
        now = self._clock()
        ahead = [state.last_polled_at for state in known if is_ahead(state.last_polled_at, now)]
        if ahead and not self._clock_was_ahead:
            _log.warning("the clock went back, feeds are asked now", feeds=len(ahead), now=now.isoformat())
        self._clock_was_ahead = bool(ahead)


def _status(state: FeedState | None) -> str:
    if state is None or state.last_polled_at is None:
        return "new"
    if state.gone:
        return "gone"
    return "failing" if state.failures else "ok"

"""One pending page, carried out.

    withdrawn? robots? ─► page in its domain's turn ─► extract (worker process) ─► withdrawn? ─► article acked
    ─► trace acked ─► page record deleted

What the article is made of is decided in article.py, when a page is asked for again in schedule.py. A crash at any
point leaves the page record, so the entry is done again; the later stages know a repeated reading by its content.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from producers.article import Outcome, Reading, outcome_of, trace_of, withdrawn_trace
from producers.errors import AddressRefused, FetchFailed, IsolationFailed, RecordTooLarge, TooLarge
from producers.extraction_pool import Isolation
from producers.feed_state import FeedStates
from producers.fetcher import Response
from producers.options import PollerOptions
from producers.publisher import ArticlePublisher
from producers.records import PendingPage
from producers.rights import text_may_be_kept
from producers.schedule import page_retry_seconds
from producers.web import Web
from producers.withdrawn import WithdrawalCheck
from schemas.failpoints import failpoint
from schemas.metrics import Metrics
from schemas.withdrawals import WithdrawalOrder

if TYPE_CHECKING:
    from schemas.articles import Rights
    from schemas.reasons import Disposition

_log = structlog.get_logger(__name__)

_ROBOTS_RETRY: Final = timedelta(hours=1)
_RESERVATION_KEPT: Final = timedelta(hours=24)
_HTML: Final = ("html", "xml", "text/plain")


class PageReader:
    """Reads pages and publishes articles.

    Args:
        web: requests.
        pool: extraction.
        states: memory; its page records are the outbox.
        withdrawals: what must stay away; asked before a page is fetched and before its article is published.
        publisher: where articles and traces go.
        options: attempts, rights basis, how many pages at once.
        metrics: dispositions.
        clock: aware UTC.
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
    ) -> None:
        self._withdrawals = withdrawals
        self._web = web
        self._pool = pool
        self._states = states
        self._publisher = publisher
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._slots = asyncio.Semaphore(options.page_concurrency)
        self._reserved: dict[str, tuple[Rights, datetime]] = {}

    async def fetch(self, pending: PendingPage) -> Response | Reading | None:
        """Ask for the page: its answer, or a reading that needs none, or None if it is to be asked for later.

        A Response holds one of the page slots until `settle` has done with it.
        """
        link = pending.entry.link
        order = await self._withdrawals.order_for(pending)
        if order is not None:
            await self._refuse(pending, order)
            return None
        try:
            allowed = await self._web.may_read(link, self._clock())
            if allowed == "disallowed":
                return Reading(failure="robots_disallowed", detail="robots.txt")
            if allowed == "unknown":
                await self._later(pending, _ROBOTS_RETRY.total_seconds(), "robots.txt cannot be read")
                return None
            async with self._web.page_turn(link):
                # Looked at when it is our turn: the page before may have been the first to say so.
                return self._reservation(link) or await self._page(link)
        except AddressRefused as failure:
            return Reading(failure="address_refused", detail=failure.detail)
        except TooLarge as failure:
            return Reading(failure="too_large", detail=failure.detail)
        except FetchFailed as failure:
            return await self._again(pending, failure.slug, None)

    def _reservation(self, link: str) -> Reading | None:
        """A reading of a page that is not asked for, because its host is known to reserve mining."""
        known = self._reserved.get(urlsplit(link).netloc)
        return Reading(rights=known[0]) if known is not None and known[1] > self._clock() else None

    async def _page(self, link: str) -> Response:
        """The page, with a slot that stays taken. Waiting for the turn, we hold none."""
        await self._slots.acquire()
        try:
            return await self._web.page(link)
        except BaseException:
            self._slots.release()
            raise

    async def settle(self, pending: PendingPage, fetched: Response | Reading) -> None:
        """Make and publish the article of an answer, then forget the page record."""
        failpoint("poll.after_page_answer")
        try:
            reading = fetched if isinstance(fetched, Reading) else await self._reading(pending, fetched)
            if reading is not None:
                await self._publish(pending, reading)
        finally:
            if isinstance(fetched, Response):
                self._slots.release()

    async def put_off(self, pending: PendingPage) -> None:
        """After an error of our own: later, and ever more rarely, but never forgotten."""
        seconds = page_retry_seconds(None, {}, pending.attempts + 1, self._clock())
        await self._later(pending, seconds or 0.0, "internal error")

    async def _reading(self, pending: PendingPage, response: Response) -> Reading | None:
        if response.status != HTTPStatus.OK:
            return await self._again(pending, str(response.status), response)
        kind = response.headers.get("content-type", "text/html").lower()
        if not any(known in kind for known in _HTML):
            return Reading(failure="not_an_article", detail=f"content type {kind[:80]}")
        try:
            page = await self._pool.extract_page(
                response.body, url=response.url, headers=response.headers, announced_title=pending.entry.title
            )
        except IsolationFailed as failure:
            return Reading(failure="extraction_failed", detail=f"{failure.slug}: {failure.detail}")
        if not text_may_be_kept(page.rights, self._options.rights_basis):
            self._reserved[urlsplit(pending.entry.link).netloc] = (page.rights, self._clock() + _RESERVATION_KEPT)
        return Reading(page=page, final_url=response.url)

    async def _again(self, pending: PendingPage, status: str, response: Response | None) -> Reading | None:
        """Put the page off, or give it up after the last attempt."""
        attempts = pending.attempts + 1
        code, headers = (response.status, response.headers) if response else (None, {})
        seconds = page_retry_seconds(code, headers, attempts, self._clock())
        if seconds is None or attempts >= self._options.page_attempts:
            return Reading(failure="fetch_failed", detail=f"{status}, asked {attempts} times")
        await self._later(pending, seconds, status)
        return None

    async def _later(self, pending: PendingPage, seconds: float, reason: str) -> None:
        if self._states.is_current(pending):
            due = self._clock() + timedelta(seconds=seconds)
            await self._states.save(msgspec.structs.replace(pending, attempts=pending.attempts + 1, next_try_at=due))
        _log.info("page put off", url=pending.entry.url, reason=reason, seconds=seconds)

    async def _refuse(self, pending: PendingPage, order: WithdrawalOrder) -> None:
        """An entry that was withdrawn: its traces say no more than that."""
        await self._publisher.trace(withdrawn_trace(pending, order, self._clock()))
        await self._states.delete_page(pending)
        self._metrics.count("dispositions_total", stage="poll", disposition="withdrawn")

    async def _publish(self, pending: PendingPage, reading: Reading) -> None:
        order = await self._withdrawals.order_for(pending)
        if order is not None:
            await self._refuse(pending, order)
            return
        now = self._clock()
        known = msgspec.structs.replace(pending, feeds=self._feeds_with(pending))
        outcome = self._outcome(known, reading, now)
        disposition, detail = outcome.disposition, outcome.detail
        if outcome.article is not None:
            try:
                await self._publisher.publish(outcome.article)
                failpoint("poll.after_publish")
                self._metrics.count("messages_out_total", stage="poll")
            except RecordTooLarge as error:
                disposition, detail = "too_large", str(error)
        text = (outcome.article.text if outcome.article else None) or ""
        await self._publisher.trace(trace_of(pending, disposition, detail=detail, content=text, now=now))
        failpoint("poll.after_trace")
        await self._states.delete_page(pending)
        failpoint("poll.after_page_deleted")
        self._metrics.count("dispositions_total", stage="poll", disposition=disposition)
        _log.info("article read", url=pending.entry.url, kind=pending.kind, disposition=disposition, detail=detail)

    def _outcome(self, pending: PendingPage, reading: Reading, now: datetime) -> Outcome:
        """Entries that may not be read at all are traced only; all others fall back to what the feed says."""
        refused: tuple[Disposition | None, ...] = ("robots_disallowed", "address_refused")
        if reading.failure in refused and reading.failure is not None:
            return Outcome(article=None, disposition=reading.failure, detail=reading.detail)
        return outcome_of(pending, reading, basis=self._options.rights_basis, now=now)

    def _feeds_with(self, pending: PendingPage) -> tuple[str, ...]:
        """The feeds of the group that have shown the entry so far, the one that brought it first."""
        others = (state.url for state in self._states.feeds_of(pending.group) if pending.entry.id in state.seen)
        return tuple(dict.fromkeys((pending.feed, *sorted(others))))

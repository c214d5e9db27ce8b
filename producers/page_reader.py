"""One pending page, carried out.

    outdated? withdrawn? robots? ─► page in its domain's turn ─► extract (worker process) ─► withdrawn? still ours?
    ─► article acked ─► trace acked ─► page record deleted

What the article is made of is decided in article.py, when a page is asked for again in schedule.py. A crash at any
point leaves the page record, so the entry is done again; the later stages know a repeated reading by its content.

A poller that was frozen may wake up here with an old page or an old title in its hands. It does not publish once it
knows that the group is another's. What was on its way already is older than the new owner's reading, because a reading
bears the time at which its page was asked for, not the one at which it was published; dedupe drops it.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
import structlog
from msgspec import Struct

from producers.article import Outcome, Reading, outcome_of, trace_of, withdrawn_trace
from producers.decide import is_outdated
from producers.errors import AddressRefused, FetchFailed, IsolationFailed, NotOwned, RecordTooLarge, TooLarge
from producers.extraction_pool import Isolation
from producers.feed_state import FeedStates, partition_of
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
_ORDERS_AGE_SECONDS: Final = 2.0
"""How old the withdrawal orders may be that are asked before a request; before publishing they are complete."""


class Fetched(Struct, frozen=True):
    """What there is to make an article of. Holds a page slot while `response` waits; `PageReader.let_go` frees it.

    Attributes:
        asked_at: when the page was asked for: what was read is at least as new.
        response: the page's answer, or None:
        reading: for entries whose page needs no request.
    """

    asked_at: datetime
    response: Response | None = None
    reading: Reading = Reading()


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

    async def fetch(self, pending: PendingPage) -> Fetched | None:
        """Ask for the page; None if it is to be asked for later or not at all.

        Raises:
            NotOwned: another poller has taken the group over.
        """
        if await self._is_settled_already(pending):
            return None
        link = pending.entry.link
        asked_at = self._clock()
        try:
            allowed = await self._web.may_read(link, asked_at)
            if allowed == "disallowed":
                return Fetched(asked_at, reading=Reading(failure="robots_disallowed", detail="robots.txt"))
            if allowed == "unknown":
                await self._later(pending, _ROBOTS_RETRY.total_seconds(), "robots.txt cannot be read")
                return None
            async with self._web.page_turn(link):
                # Looked at when it is our turn: the page before may have been the first to say so.
                reserved = self._reservation(link)
                return Fetched(self._clock(), reading=reserved) if reserved else await self._page(link)
        except AddressRefused as failure:
            return Fetched(asked_at, reading=Reading(failure="address_refused", detail=failure.detail))
        except TooLarge as failure:
            return Fetched(asked_at, reading=Reading(failure="too_large", detail=failure.detail))
        except FetchFailed as failure:
            given_up = await self._again(pending, failure.slug, None)
            return Fetched(asked_at, reading=given_up) if given_up else None

    async def _is_settled_already(self, pending: PendingPage) -> bool:
        """Whether nothing is to be read, because of a later reading or a withdrawal; the page record is deleted."""
        if is_outdated(pending, self._states.feeds_of(pending.group)):
            await self._states.delete_page(pending)
            _log.info("outdated page record deleted", article_id=pending.entry.id, reading=pending.reading)
            return True
        order = await self._withdrawals.order_for(pending, max_age_seconds=_ORDERS_AGE_SECONDS)
        if order is not None:
            await self._refuse(pending, order)
        return order is not None

    def _reservation(self, link: str) -> Reading | None:
        """A reading of a page that is not asked for, because its host is known to reserve mining."""
        rights, since = self._reserved.get(urlsplit(link).netloc, (None, None))
        if rights is None or since is None or not since <= self._clock() < since + _RESERVATION_KEPT:
            return None
        return Reading(rights=rights)

    async def _page(self, link: str) -> Fetched:
        """The page, with a slot that stays taken. Waiting for the turn, we hold none."""
        await self._slots.acquire()
        try:
            asked_at = self._clock()
            return Fetched(asked_at, await self._web.page(link))
        except BaseException:
            self._slots.release()
            raise

    def let_go(self, fetched: Fetched) -> None:
        """Free the page slot, whatever became of `settle`; a task that is cancelled early never gets there."""
        if fetched.response is not None:
            self._slots.release()

    async def settle(self, pending: PendingPage, fetched: Fetched) -> None:
        """Make and publish the article of an answer, then forget the page record.

        Raises:
            NotOwned: another poller has taken the group over; nothing was published.
        """
        failpoint("poll.after_page_answer")
        reading: Reading | None = fetched.reading
        if fetched.response is not None:
            reading = await self._reading(pending, fetched.response)
        if reading is not None:
            await self._publish(pending, reading, fetched.asked_at)

    async def put_off(self, pending: PendingPage) -> None:
        """After an error of our own: later, and ever more rarely, but never forgotten.

        Raises:
            NotOwned: another poller has taken the group over.
        """
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
            self._reserved[urlsplit(pending.entry.link).netloc] = (page.rights, self._clock())
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
        now = self._clock()
        later = msgspec.structs.replace(
            pending, attempts=pending.attempts + 1, last_try_at=now, next_try_at=now + timedelta(seconds=seconds)
        )
        await self._states.replace_page(pending, later)
        _log.info("page put off", url=pending.entry.url, reason=reason, seconds=seconds)

    async def _refuse(self, pending: PendingPage, order: WithdrawalOrder) -> None:
        """An entry that was withdrawn: its traces say no more than that."""
        await self._publisher.trace(withdrawn_trace(pending, order, self._clock()))
        await self._states.delete_page(pending)
        self._metrics.count("dispositions_total", stage="poll", disposition="withdrawn")

    async def _publish(self, pending: PendingPage, reading: Reading, asked_at: datetime) -> None:
        order = await self._withdrawals.order_for(pending)
        if partition_of(pending.group) not in self._states.owned():
            raise NotOwned(pending.group)
        if order is not None:
            await self._refuse(pending, order)
            return
        now = self._clock()
        known = msgspec.structs.replace(pending, feeds=self._feeds_with(pending))
        outcome = self._outcome(known, reading, min(asked_at, now), now)
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

    def _outcome(self, pending: PendingPage, reading: Reading, asked_at: datetime, now: datetime) -> Outcome:
        """Entries that may not be read at all are traced only; all others fall back to what the feed says."""
        refused: tuple[Disposition | None, ...] = ("robots_disallowed", "address_refused")
        if reading.failure in refused and reading.failure is not None:
            return Outcome(article=None, disposition=reading.failure, detail=reading.detail)
        return outcome_of(pending, reading, basis=self._options.rights_basis, asked_at=asked_at, now=now)

    def _feeds_with(self, pending: PendingPage) -> tuple[str, ...]:
        """The feeds of the group that have shown the entry so far, the one that brought it first."""
        others = (state.url for state in self._states.feeds_of(pending.group) if pending.entry.id in state.seen)
        return tuple(dict.fromkeys((pending.feed, *sorted(others))))

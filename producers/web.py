"""The web as a good guest sees it: each request in its domain's turn, robots.txt first, pauses kept, all counted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Final

from producers import robots
from producers.errors import FetchFailed
from producers.fetcher import FEED_TYPES, PAGE_TYPES, Fetcher, Response
from producers.options import PollerOptions
from producers.politeness import HostGates
from producers.robots import Robots, RobotsAnswer
from producers.schedule import retry_after_seconds
from schemas.metrics import Metrics

_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_LONGEST_PAUSE_SECONDS: Final = 24 * 3600.0


class Web:
    """Feeds, pages and robots files.

    Args:
        fetcher: an entered Fetcher.
        options: sizes, delay, concurrency.
        metrics: requests by status, bytes.
        clock: aware UTC.
    """

    def __init__(
        self, fetcher: Fetcher, options: PollerOptions, *, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._fetcher = fetcher
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._gates = HostGates(options.host_delay_seconds)
        self._robots = Robots(self._robots_answer)
        self._feed_slots = asyncio.Semaphore(options.feed_concurrency)

    async def feed(self, address: str, *, etag: str | None, last_modified: str | None) -> Response:
        """A feed's answer to a conditional GET.

        Raises:
            FetchFailed: see Fetcher.get.
        """
        async with self._gates.turn(address), self._feed_slots:
            try:
                response = await self._fetcher.get(
                    address,
                    max_bytes=self._options.max_feed_bytes,
                    accept=FEED_TYPES,
                    etag=etag,
                    last_modified=last_modified,
                )
            except FetchFailed as failure:
                self._metrics.count("feed_polls_total", status=failure.slug)
                raise
        self._metrics.count("feed_polls_total", status=str(response.status))
        self._note(address, response, "feed")
        return response

    @asynccontextmanager
    async def page_turn(self, url: str) -> AsyncIterator[None]:
        """The domain's turn for one page; inside it call `page`."""
        async with self._gates.turn(url):
            yield

    async def page(self, url: str) -> Response:
        """A page. Only within `page_turn`.

        Raises:
            FetchFailed: see Fetcher.get.
        """
        try:
            response = await self._fetcher.get(url, max_bytes=self._options.max_page_bytes, accept=PAGE_TYPES)
        except FetchFailed as failure:
            self._metrics.count("page_fetches_total", status=failure.slug)
            raise
        self._metrics.count("page_fetches_total", status=str(response.status))
        self._note(url, response, "page")
        return response

    async def may_read(self, url: str, now: datetime) -> robots.Verdict:
        """What the host's robots.txt says of a page. Outside of any turn.

        Raises:
            AddressRefused: the host must not be reached at all.
        """
        return await self._robots.verdict(url, now)

    async def _robots_answer(self, address: str) -> RobotsAnswer:
        async with self._gates.turn(address):
            response = await self._fetcher.get(address, max_bytes=robots.MAX_BYTES, accept="text/plain, */*;q=0.1")
        self._note(address, response, "robots")
        return RobotsAnswer(response.status, response.body)

    def _note(self, url: str, response: Response, kind: str) -> None:
        """Count bytes; a 429 or 503 silences the whole domain for as long as it asks."""
        self._metrics.count("bytes_fetched_total", len(response.body), kind=kind)
        if response.status in _BUSY:
            asked = retry_after_seconds(response.headers, self._clock())
            if asked is not None:
                self._gates.pause(url, min(asked, _LONGEST_PAUSE_SECONDS))

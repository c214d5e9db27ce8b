"""The poller after a clock was set back, and when its work has become another poller's."""

import asyncio
import threading
from datetime import datetime, timedelta

import msgspec
from aiohttp import web
from structlog.testing import capture_logs

from producers.feed_state import InMemoryFeedStates
from producers.publisher import InMemoryPublisher
from producers.records import Seen, encode_record, record_key
from schemas.messages import FetchedArticle
from schemas.withdrawals import (
    WithdrawalOrders,
    WithdrawalsInMemory,
)
from tests.producers.samples import feed_state, pending
from tests.producers.site import FEED, HOST, Site, feed, item, now, page, polling, rss, until


async def test_a_reading_is_as_old_as_its_request_not_as_its_publication(site: Site) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.2)
        answered.append(now())
        return page(1)

    answered: list[datetime] = []
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": slow}
    async with polling(site) as poller:
        await until(lambda: len(poller.titles()) == 1)

    (article,) = poller.publisher.articles
    assert article.discovered_at < article.fetched_at < answered[0]


async def test_after_a_clock_was_set_back_everything_is_asked_at_once_and_that_is_said_once(site: Site) -> None:
    ahead = now() + timedelta(hours=5)
    state = feed_state(
        url=FEED, last_polled_at=ahead, next_poll_at=ahead + timedelta(hours=1), etag=None, last_modified=None, seen={}
    )
    other = msgspec.structs.replace(state, url=f"{HOST}/sport.xml")
    entry = msgspec.structs.replace(pending(9).entry, link=f"{HOST}/9.html")
    waiting = pending(9, entry=entry, last_try_at=ahead, next_try_at=ahead + timedelta(hours=1), discovered_at=ahead)
    log = {record_key(record): encode_record(record) for record in (state, other, waiting)}
    site.answers = {"/rss.xml": rss(item(1)), "/sport.xml": rss(), "/1.html": page(1), "/9.html": page(9)}
    with capture_logs() as lines:
        async with polling(site, feed(), feed("/sport.xml"), log=log) as poller:
            await until(lambda: len(poller.titles()) == 2)
            await until(lambda: poller.states.feed(f"{HOST}/sport.xml") != other)
            await asyncio.sleep(0.6)

    assert len([line for line in lines if line["event"].startswith("the clock went back")]) == 1
    assert all(article.discovered_at <= article.fetched_at <= now() for article in poller.publisher.articles)


async def test_a_page_record_that_a_later_reading_has_overtaken_is_dropped(site: Site) -> None:
    """Written behind the new owner's back by a poller that was frozen; see feed_state_kafka.py."""
    entry = msgspec.structs.replace(pending(1).entry, link=f"{HOST}/1.html")
    stale = pending(1, entry=entry, feed=FEED, reading=1)
    seen = {entry.id: Seen("00000000000000bb", 1773489600, 2)}
    state = feed_state(url=FEED, last_polled_at=now(), next_poll_at=now() + timedelta(hours=1), seen=seen)
    log = {record_key(record): encode_record(record) for record in (state, stale)}
    async with polling(site, log=log) as poller:
        await until(lambda: not [key for key in log if key.startswith("page:")])

    assert (site.asked, poller.titles(), poller.traces()) == ([], [], [])


async def test_what_was_read_for_a_group_that_is_another_pollers_by_now_is_not_published(site: Site) -> None:
    """As after a freeze: the partitions are gone before anybody ends the work on them."""
    withdrawals = LosingLog()
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    async with polling(site, withdrawals=withdrawals) as poller:
        await until(lambda: bool(list(poller.states.pages())))
        withdrawals.states = poller.states
        withdrawals.go_on.set()
        await until(lambda: withdrawals.calls >= 2)
        await asyncio.sleep(0.3)

    assert (site.asked_for("/1.html"), poller.titles(), poller.traces()) == (1, [], [])
    assert [key for key in poller.states.log if key.startswith("page:")] != []


class LosingLog(WithdrawalsInMemory):
    """Loses all partitions while the orders are read before publishing."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on, self.calls = threading.Event(), 0
        self.states = InMemoryFeedStates()

    def read_to_end(self) -> WithdrawalOrders:
        self.calls += 1
        assert self.go_on.wait(20)
        if self.calls == 2:
            self.states._memory.drop(self.states.owned())
        return super().read_to_end()


async def test_pages_in_flight_that_are_taken_away_give_their_slots_back(site: Site) -> None:
    """One slot: whoever kept it would stop all later pages."""
    arrived = asyncio.Event()

    class Hanging(InMemoryPublisher):
        async def publish(self, article: FetchedArticle) -> None:
            if not arrived.is_set():
                arrived.set()
                await asyncio.sleep(60)
            await super().publish(article)

    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    async with polling(site, publisher=Hanging(), page_concurrency=1) as poller:
        await until(arrived.is_set)
        await poller.states.close()
        assert poller.states._release is not None
        await poller.states.start(poller.states._release)
        await until(lambda: len(poller.titles()) == 1)

    assert site.asked_for("/1.html") == 2

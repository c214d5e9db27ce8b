"""The poller on a real HTTP server, with memory and publisher in memory: what it asks, publishes, remembers."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from producers.publisher import InMemoryPublisher
from producers.records import Seen, encode_record, record_key
from schemas.messages import FetchedArticle, Trace
from schemas.withdrawals import (
    Scope,
    WithdrawalOrder,
    WithdrawalOrders,
    WithdrawalsInMemory,
    WithdrawalsUnavailable,
    order_key,
)
from tests.producers.samples import NOON, feed_state, pending
from tests.producers.site import FEED, HOST, Site, feed, item, now, open_site, page, polling, rss, until

OLD = timedelta(hours=49)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


async def test_a_first_run_publishes_the_last_hours_newest_first_and_marks_the_rest(site: Site) -> None:
    site.answers = {
        "/rss.xml": rss(item(1, age=timedelta(hours=5)), item(2, age=timedelta(hours=1)), item(3, age=OLD)),
        "/1.html": page(1),
        "/2.html": page(2),
    }
    async with polling(site, page_concurrency=1) as poller:
        await until(lambda: len(poller.traces()) == 3)

    assert poller.titles() == [f"Péniche numéro {number} : le canal rouvre lundi" for number in (2, 1)]
    assert poller.traces() == [("/3.html", "before_start"), ("/2.html", "fetched"), ("/1.html", "fetched")]
    assert site.asked == ["/rss.xml", "/robots.txt", "/2.html", "/1.html"]
    assert [key for key in poller.states.log if key.startswith("page:")] == []
    assert poller.metrics.counts["dispositions_total", "poll", "fetched"] == 2


async def test_a_restart_asks_for_nothing_again(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    log: dict[str, bytes] = {}
    async with polling(site, log=log) as poller:
        await until(lambda: len(poller.traces()) == 1)
    asked = list(site.asked)

    async with polling(site, log=log) as poller:
        await until(lambda: poller.metrics.gauges.get(("feeds", "ok")) == 1)
        await asyncio.sleep(0.3)

    assert site.asked == asked
    assert poller.titles() == []


async def test_validators_are_sent_and_a_304_brings_nothing(site: Site) -> None:
    def answer(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == 'W/"un"':
            return web.Response(status=304)
        return rss(item(1), ETag='W/"un"')

    site.answers = {"/rss.xml": answer, "/1.html": page(1)}
    async with polling(site, min_interval_seconds=0.05) as poller:
        await until(lambda: poller.metrics.counts["feed_polls_total", "304"] >= 3)

    assert (poller.metrics.counts["feed_polls_total", "200"], len(poller.titles())) == (1, 1)


async def test_a_title_corrected_in_the_feed_is_a_second_reading(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    async with polling(site, min_interval_seconds=0.05) as poller:
        await until(lambda: len(poller.titles()) == 1)
        site.answers = {
            "/rss.xml": rss(item(1, title="Le canal rouvre jeudi")),
            "/1.html": page(1, title="Le canal rouvre jeudi"),
        }
        await until(lambda: len(poller.titles()) == 2)

    first, second = poller.publisher.articles
    assert (second.title, second.article_id) == ("Le canal rouvre jeudi", first.article_id)
    assert second.discovered_at == first.discovered_at
    assert (first.reading, second.reading) == (1, 2)
    assert second.fetched_at > first.fetched_at
    assert site.asked_for("/1.html") == 2


async def test_an_article_in_two_feeds_is_fetched_once_and_names_both(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/sport.xml": rss(item(1)), "/1.html": page(1)}
    async with polling(site, feed(), feed("/sport.xml"), host_delay_seconds=0.1) as poller:
        await until(lambda: len(poller.titles()) == 1)
        await until(lambda: poller.states.feed(f"{HOST}/sport.xml") is not None)

    assert site.asked_for("/1.html") == 1
    assert poller.titles() == ["Péniche numéro 1 : le canal rouvre lundi"]


async def test_a_page_that_robots_txt_forbids_is_not_asked_for(site: Site) -> None:
    site.answers = {
        "/rss.xml": rss(item(1)),
        "/robots.txt": web.Response(text="User-agent: *\nDisallow: /1"),
        "/1.html": page(1),
    }
    async with polling(site) as poller:
        await until(lambda: bool(poller.traces()))

    assert (poller.traces(), poller.titles(), site.asked_for("/1.html")) == ([("/1.html", "robots_disallowed")], [], 0)


async def test_a_consent_wall_leaves_what_the_feed_says(site: Site) -> None:
    wall = "<title>Vos cookies</title><h1>Vos cookies</h1><p>Cookies, traceurs, consentement, partenaires.</p>"
    site.answers = {
        "/rss.xml": rss(item(1, summary="Le résumé du flux."), item(2)),
        "/1.html": web.Response(text=wall, content_type="text/html"),
        "/2.html": web.Response(text=wall, content_type="text/html"),
    }
    async with polling(site) as poller:
        await until(lambda: len(poller.traces()) == 2)

    assert sorted(poller.traces()) == [("/1.html", "teaser_kept"), ("/2.html", "not_an_article")]
    (article,) = poller.publisher.articles
    assert (article.text, article.text_source) == ("Le résumé du flux.", "feed")


async def test_reserved_pages_are_not_asked_for_once_that_is_known(site: Site) -> None:
    reserved = '<meta name="tdm-reservation" content="1">'
    site.answers = {
        "/rss.xml": rss(*(item(number, summary=f"Résumé {number}.", age=timedelta(hours=number)) for number in (1, 2))),
        "/1.html": page(1, head=reserved),
        "/2.html": page(2, head=reserved),
    }
    async with polling(site, host_delay_seconds=0.2) as poller:
        await until(lambda: len(poller.traces()) == 2)

    assert [article.text for article in poller.publisher.articles] == ["Résumé 1.", "Résumé 2."]
    assert all(article.rights.tdm_reserved and article.rights.evidence for article in poller.publisher.articles)
    assert site.asked_for("/2.html") == 0


async def test_feeds_that_fail_do_not_disturb_the_others(site: Site) -> None:
    async def hanging(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    bad = {
        "a.example/rss": hanging,
        "b.example/rss": web.Response(status=500),
        "c.example/rss": web.Response(
            text="<!doctype html><html><body>Accueil</body></html>", content_type="text/html"
        ),
        "d.example/rss": web.Response(body=b"\x00" * 1000, content_type="application/rss+xml"),
        "e.example/rss": web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        "f.example/rss": web.Response(text="x" * 3_000_000),
    }
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1), **bad}
    feeds = [feed("/rss", host=where.split("/")[0]) for where in bad]
    async with polling(site, *feeds, feed(), request_timeout_seconds=0.5, max_feed_bytes=1_000_000) as poller:
        await until(lambda: len(poller.titles()) == 1)
        await until(lambda: all(poller.states.feed(one.url) for one in feeds))
        states = [poller.states.feed(one.url) for one in feeds]

    assert [state and state.status for state in states] == [
        "timeout", "500", "not_a_feed", "not_a_feed", "address_refused", "too_large",
    ]  # fmt: skip
    assert all(state and state.failures == 1 and state.next_poll_at for state in states)


async def test_a_feed_that_is_gone_is_not_asked_again(site: Site) -> None:
    site.answers = {"/rss.xml": web.Response(status=410)}
    async with polling(site, min_interval_seconds=0.02) as poller:
        await until(lambda: poller.metrics.gauges.get(("feeds", "gone")) == 1)
        await asyncio.sleep(0.3)

    assert site.asked == ["/rss.xml"]


async def test_a_busy_server_is_left_alone_as_long_as_it_asks(site: Site) -> None:
    site.answers = {"/rss.xml": web.Response(status=429, headers={"Retry-After": "7200"})}
    async with polling(site, min_interval_seconds=0.02) as poller:
        await until(lambda: poller.states.feed(FEED) is not None)
        await asyncio.sleep(0.3)
        state = poller.states.feed(FEED)

    assert state is not None
    assert state.next_poll_at is not None
    assert state.last_polled_at is not None
    assert (state.next_poll_at - state.last_polled_at).total_seconds() >= 7200
    assert site.asked == ["/rss.xml"]


async def test_a_page_that_does_not_answer_is_put_off_and_kept(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": web.Response(status=500)}
    log: dict[str, bytes] = {}
    async with polling(site, log=log) as poller:
        await until(lambda: any(waiting.attempts == 1 for waiting in poller.states.pages()))

    (waiting,) = [key for key in log if key.startswith("page:")]
    assert b'"attempts":1' in log[waiting]
    assert (poller.titles(), poller.traces()) == ([], [])


async def test_a_page_that_stays_away_is_given_up_for_what_the_feed_says(site: Site) -> None:
    entry = msgspec.structs.replace(pending(1).entry, link=f"{HOST}/1.html", summary="Le résumé du flux.")
    waiting = msgspec.structs.replace(pending(1), entry=entry, attempts=1)
    log = {record_key(waiting): encode_record(waiting)}
    site.answers = {"/rss.xml": rss()}
    async with polling(site, log=log) as poller:
        await until(lambda: bool(poller.traces()))

    assert [(trace.disposition, trace.detail) for trace in poller.publisher.traces] == [
        ("teaser_kept", "fetch_failed: 404, asked 2 times")
    ]
    assert [article.text for article in poller.publisher.articles] == ["Le résumé du flux."]


async def test_a_crash_after_the_article_repeats_it_and_loses_nothing(site: Site) -> None:
    """Page record, feed record, article: killed before the page record is deleted."""

    class DyingPublisher(InMemoryPublisher):
        async def trace(self, trace: Trace) -> None:
            await asyncio.sleep(3600)

    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    log: dict[str, bytes] = {}
    async with polling(site, log=log, publisher=DyingPublisher(), drain_seconds=0.0) as poller:
        await until(lambda: len(poller.titles()) == 1)
    async with polling(site, log=log) as again:
        await until(lambda: len(again.traces()) == 1)

    first, second = poller.publisher.articles[0], again.publisher.articles[0]
    assert (second.article_id, second.text, second.discovered_at) == (first.article_id, first.text, first.discovered_at)
    assert [key for key in log if key.startswith("page:")] == []
    assert site.asked_for("/rss.xml") == 1


async def test_an_error_of_our_own_in_one_page_stops_neither_the_others_nor_is_it_forgotten(site: Site) -> None:
    class BrokenPublisher(InMemoryPublisher):
        async def publish(self, article: FetchedArticle) -> None:
            if article.url.endswith("/1.html"):
                raise RuntimeError("bug")
            await super().publish(article)

    site.answers = {"/rss.xml": rss(item(1), item(2)), "/1.html": page(1), "/2.html": page(2)}
    async with polling(site, publisher=BrokenPublisher()) as poller:
        await until(lambda: len(poller.titles()) == 1)
        await until(lambda: any(waiting.next_try_at for waiting in poller.states.pages()))

    assert poller.traces() == [("/2.html", "fetched")]


async def test_pages_in_flight_are_finished_at_the_end_and_hanging_ones_left_in_the_outbox(site: Site) -> None:
    arrived = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        arrived.set()
        await asyncio.sleep(0.3)
        return page(1)

    async def hanging(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    site.answers = {
        "/rss.xml": rss(item(1)),
        "b.example/rss": rss(item(2).replace("www.lecanal", "b")),
        "/1.html": slow,
        "b.example/2.html": hanging,
    }
    async with polling(site, feed(), feed("/rss", host="b.example"), drain_seconds=2.0) as poller:
        await until(lambda: arrived.is_set() and "b.example/2.html" in site.asked)

    assert poller.traces() == [("/1.html", "fetched")]
    assert [key for key in poller.states.log if key.startswith("page:")] != []


async def test_nothing_new_is_begun_while_kafka_takes_no_records(site: Site) -> None:
    async with polling(site, is_healthy=lambda: False) as poller:
        await until(lambda: ("ready", "poll") in poller.metrics.gauges)
        await asyncio.sleep(0.3)
        assert poller.metrics.gauges["ready", "poll"] == 0.0
        beats = poller.metrics.counts["heartbeats_total", "poll"]
        await until(lambda: poller.metrics.counts["heartbeats_total", "poll"] > beats)

    assert site.asked == []


async def test_work_on_partitions_that_are_taken_away_ends_at_once(site: Site) -> None:
    async def hanging(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    site.answers = {"/rss.xml": hanging}
    async with polling(site) as poller:
        await until(lambda: bool(site.asked))
        await poller.states.close()
        await asyncio.sleep(0.3)

    assert site.asked == ["/rss.xml"]
    assert poller.states.owned() == frozenset()


@pytest.mark.parametrize(
    ("scope", "target"),
    [("prefix", f"{HOST}/"), ("publisher", "lecanal.example")],
)
async def test_an_entry_that_was_withdrawn_is_not_asked_for(site: Site, scope: Scope, target: str) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    async with polling(site, withdrawals=withdrawn(scope, target)) as poller:
        await until(lambda: bool(poller.publisher.traces))

    (trace,) = poller.publisher.traces
    assert (trace.disposition, trace.url, trace.title) == ("withdrawn", None, None)
    assert (poller.titles(), site.asked_for("/1.html")) == ([], 0)
    assert [key for key in poller.states.log if key.startswith("page:")] == []


async def test_an_entry_withdrawn_while_its_page_is_fetched_is_not_published(site: Site) -> None:
    withdrawals = WithdrawalsInMemory()

    def answer(_request: web.Request) -> web.Response:
        order = WithdrawalOrder(scope="publisher", target="lecanal.example", requested_at=NOON)
        withdrawals.orders.load(order_key(order), order)
        return page(1)

    site.answers = {"/rss.xml": rss(item(1)), "/1.html": answer}
    async with polling(site, withdrawals=withdrawals) as poller:
        await until(lambda: bool(poller.publisher.traces))

    assert (poller.publisher.traces[0].disposition, poller.titles()) == ("withdrawn", [])


def withdrawn(scope: Scope = "publisher", target: str = "lecanal.example") -> WithdrawalsInMemory:
    withdrawals = WithdrawalsInMemory()
    order = WithdrawalOrder(scope=scope, target=target, requested_at=NOON)
    withdrawals.orders.load(order_key(order), order)
    return withdrawals


async def test_an_entry_that_is_too_old_and_withdrawn_is_traced_without_its_address(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1, age=OLD))}
    async with polling(site, withdrawals=withdrawn()) as poller:
        await until(lambda: bool(poller.publisher.traces))

    (trace,) = poller.publisher.traces
    assert trace == Trace(
        trace_id=trace.trace_id,
        article_id=trace.article_id,
        stage="poll",
        disposition="withdrawn",
        detail="forgotten",
        at=trace.at,
    )


class AbsentLog(WithdrawalsInMemory):
    """Orders that cannot be read at first."""

    def __init__(self) -> None:
        super().__init__()
        self.absent = True

    def read_to_end(self) -> WithdrawalOrders:
        if self.absent:
            raise WithdrawalsUnavailable("no broker")
        return super().read_to_end()


async def test_while_the_orders_cannot_be_read_nothing_is_asked_or_published_and_nothing_lost(site: Site) -> None:
    site.answers = {"/rss.xml": rss(item(1)), "/1.html": page(1)}
    withdrawals = AbsentLog()
    async with polling(site, withdrawals=withdrawals) as poller:
        await until(lambda: bool(list(poller.states.pages())))
        await until(lambda: poller.metrics.gauges["ready", "poll"] == 0.0)
        assert (poller.titles(), site.asked_for("/1.html")) == ([], 0)
        withdrawals.absent = False
        await until(lambda: len(poller.traces()) == 1)
        await until(lambda: poller.metrics.gauges["ready", "poll"] == 1.0)

    assert poller.traces() == [("/1.html", "fetched")]


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
        withdrawals.lose = lambda: poller.states._memory.drop(poller.states.owned())
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
        self.lose: Callable[[], None] = lambda: None

    def read_to_end(self) -> WithdrawalOrders:
        self.calls += 1
        assert self.go_on.wait(20)
        if self.calls == 2:
            self.lose()
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

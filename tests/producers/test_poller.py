"""The poller on a real HTTP server, with memory and publisher in memory: what it asks, publishes, remembers."""

import asyncio
from datetime import timedelta

import msgspec
from aiohttp import web

from producers.publisher import InMemoryPublisher
from producers.records import encode_record, record_key
from schemas.messages import FetchedArticle, Trace
from tests.producers.samples import pending
from tests.producers.site import FEED, HOST, Site, feed, item, page, polling, rss, until

OLD = timedelta(hours=49)


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

"""A small web site for the poller's tests, and the poller running on it with bodies in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from producers.catalogue import Catalogue, Feed
from producers.entries import ParsedFeed
from producers.extraction import Page, extract_page
from producers.feed_parser import parse_feed
from producers.feed_state import InMemoryFeedStates
from producers.options import PollerOptions
from producers.publisher import InMemoryPublisher
from producers.service import run_with
from schemas.articles import Publisher
from schemas.withdrawals import WithdrawalLog, WithdrawalsInMemory
from tests.producers.samples import RecordedMetrics

Answer = web.Response | Callable[[web.Request], Any]
HOST = "http://www.lecanal.example"
FEED = f"{HOST}/rss.xml"


def now() -> datetime:
    return datetime.now(UTC)


def feed(path: str = "/rss.xml", host: str = "www.lecanal.example") -> Feed:
    domain = ".".join(host.split(".")[-2:])
    return Feed(url=f"http://{host}{path}", publisher=Publisher(id=domain, name=domain), group=domain)


def item(number: int, *, title: str = "", age: timedelta = timedelta(hours=1), summary: str = "") -> str:
    shown = title or f"Péniche numéro {number} : le canal rouvre lundi"
    dated = format_datetime(now() - age)
    return (
        f"<item><title>{shown}</title><link>{HOST}/{number}.html</link><pubDate>{dated}</pubDate>"
        f"<description>{summary}</description></item>"
    )


def rss(*items: str, **headers: str) -> web.Response:
    text = f"<rss version='2.0'><channel><title>Le Canal</title>{''.join(items)}</channel></rss>"
    return web.Response(text=text, content_type="application/rss+xml", headers=headers)


def page(number: int, *, title: str = "", head: str = "") -> web.Response:
    shown = title or f"Péniche numéro {number} : le canal rouvre lundi"
    paragraph = (
        f"Il aura fallu six mois pour que la péniche numéro {number} puisse de nouveau passer l’écluse de Redon. "
    )
    body = "".join(f"<p>{paragraph}Jour {day} du chantier, rien de neuf.</p>" for day in range(5))
    text = (
        f"<html><head><title>{shown}</title>{head}</head><body><article><h1>{shown}</h1>{body}</article></body></html>"
    )
    return web.Response(text=text, content_type="text/html")


class InlineIsolation:
    """Parses where it stands: the tests of the pool itself are elsewhere."""

    async def parse_feed(self, data: bytes, *, url: str, headers: Mapping[str, str]) -> ParsedFeed:
        return parse_feed(data, url=url, headers=headers)

    async def extract_page(
        self, data: bytes, *, url: str, headers: Mapping[str, str], announced_title: str | None
    ) -> Page:
        return extract_page(data, url=url, headers=headers, announced_title=announced_title)


@dataclass
class Site:
    """Answers by "HOST/PATH" or "/PATH"; 404 for the rest. `asked` is its access log."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def asked_for(self, path: str) -> int:
        return self.asked.count(path)


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    async def handler(request: web.Request) -> Any:
        where = f"{request.host}{request.path}"
        site.asked.append(request.path if request.host == "www.lecanal.example" else where)
        answer = site.answers.get(where) or site.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        result = answer(request)
        return await result if asyncio.iscoroutine(result) else result

    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site = Site(runner.addresses[0][1])
    try:
        yield site
    finally:
        await runner.cleanup()


@dataclass
class Running:
    """A poller at work."""

    states: InMemoryFeedStates
    publisher: InMemoryPublisher
    metrics: RecordedMetrics
    stop: asyncio.Event

    def titles(self) -> list[str]:
        return [article.title for article in self.publisher.articles]

    def traces(self) -> list[tuple[str, str]]:
        return [((trace.url or "").removeprefix(HOST), trace.disposition) for trace in self.publisher.traces]


@asynccontextmanager
async def polling(
    site: Site,
    *feeds: Feed,
    log: dict[str, bytes] | None = None,
    publisher: InMemoryPublisher | None = None,
    withdrawals: WithdrawalLog | None = None,
    is_healthy: Callable[[], bool] = lambda: True,
    clock: Callable[[], datetime] = now,
    **options: Any,
) -> AsyncIterator[Running]:
    """The poller, until the block is left; then drained."""
    given = {
        "kafka": "",
        "catalogue_file": Path(),
        "connect_to": {"*.example": f"127.0.0.1:{site.port}"},
        "min_interval_seconds": 3600.0,
        "host_delay_seconds": 0.0,
        "drain_seconds": 1.0,
    } | options
    running = Running(InMemoryFeedStates(log), publisher or InMemoryPublisher(), RecordedMetrics(), asyncio.Event())
    work = asyncio.create_task(
        run_with(
            PollerOptions(**given),
            catalogue=Catalogue(feeds or (feed(),)),
            pool=InlineIsolation(),
            states=running.states,
            withdrawals=withdrawals or WithdrawalsInMemory(),
            publisher=running.publisher,
            is_healthy=is_healthy,
            metrics=running.metrics,
            clock=clock,
            stop=running.stop,
        )
    )
    try:
        yield running
    finally:
        running.stop.set()
        await work


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks bring about."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 other tasks change what it looks at
            await asyncio.sleep(0.01)

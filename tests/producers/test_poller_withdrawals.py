"""The poller and what was withdrawn: not asked for, not published, not named."""

from datetime import timedelta

import pytest
from aiohttp import web

from schemas.messages import Trace
from schemas.withdrawals import (
    Scope,
    WithdrawalOrder,
    WithdrawalOrders,
    WithdrawalsInMemory,
    WithdrawalsUnavailable,
    order_key,
)
from tests.producers.samples import NOON
from tests.producers.site import HOST, Site, item, page, polling, rss, until


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
    site.answers = {"/rss.xml": rss(item(1, age=timedelta(hours=49)))}
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

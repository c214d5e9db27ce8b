"""The order of things: orders before withdrawals, nothing between is missed, a second run completes the first."""

from collections.abc import Iterable, Iterator, Sequence

import pytest

from deploy.forget.operation import Forgotten, concerned_articles, forget
from deploy.forget.targets import SightedPublisher, Sighting, Targets, article_orders, orders
from schemas.failpoints import FailpointReached, arm
from schemas.messages import Withdrawal
from schemas.withdrawals import WithdrawalOrder, order_key
from tests.articles import NOON, article_id

URL = "http://www.phare-ouest.example/cantine.html"
ASKED = Targets((URL,), publishers=("tiers.example",))


def seen(url: str, *aliases: str, publisher: str = "tiers.example") -> Sighting:
    return Sighting(article_id=article_id(url), url=url, url_aliases=aliases, publisher=SightedPublisher(publisher))


class Topics:
    """Sightings that come in portions, and what is written, in order."""

    def __init__(self, *portions: list[Sighting]) -> None:
        self._portions = iter(portions)
        self.written: list[str] = []
        self.orders: list[WithdrawalOrder] = []
        self.withdrawals: list[Withdrawal] = []

    def up_to_now(self) -> Iterator[Sighting]:
        self.written.append("look")
        yield from next(self._portions, [])

    def write_orders(self, orders: Sequence[WithdrawalOrder]) -> None:
        self.written.append("orders")
        self.orders += orders

    def write_withdrawals(self, withdrawals: Iterable[Withdrawal]) -> None:
        self.written.append("withdrawals")
        self.withdrawals += withdrawals


def run(topics: Topics) -> Forgotten:
    concerned = concerned_articles(ASKED, topics)
    return forget(ASKED, concerned, topics, topics, reason="forgotten", at=NOON)


def test_orders_come_first_and_what_comes_meanwhile_is_withdrawn_too() -> None:
    topics = Topics(
        [seen("http://a.example/1"), seen("http://a.example/2", publisher="autre.example")],
        [seen("http://a.example/3"), seen("http://a.example/4", URL, publisher="autre.example")],
    )
    done = run(topics)
    assert topics.written == ["look", "orders", "look", "orders", "withdrawals"]
    fourth = article_id("http://a.example/4")
    assert done.orders == (
        *orders(ASKED, "forgotten", NOON),
        *article_orders([fourth], "forgotten", NOON),
    )
    assert tuple(topics.orders) == done.orders
    ids = (article_id(URL), article_id("http://a.example/1"), article_id("http://a.example/3"), fourth)
    assert done.articles == ids
    assert topics.withdrawals == [
        Withdrawal(article_id=one, url=None, reason="forgotten", requested_at=NOON) for one in ids
    ]


def test_an_article_found_under_another_address_is_ordered_with_the_others() -> None:
    topics = Topics([seen("http://a.example/4", URL, publisher="autre.example")])
    done = run(topics)
    assert topics.written == ["look", "orders", "look", "withdrawals"]
    assert order_key(done.orders[-1]) == f"article:{article_id('http://a.example/4')}"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("forget.after_order", ["look", "orders"]),
        ("forget.after_withdrawals", ["look", "orders", "look", "withdrawals"]),
    ],
)
def test_what_is_done_at_each_failpoint(name: str, written: list[str]) -> None:
    topics = Topics([seen("http://a.example/1")])
    arm(f"{name}:1:raise")
    try:
        with pytest.raises(FailpointReached, match=name):
            run(topics)
    finally:
        arm("")
    assert topics.written == written


def test_run_again_it_does_the_same() -> None:
    once, again = Topics([seen("http://a.example/1")]), Topics([seen("http://a.example/1")])
    assert run(once) == run(again)

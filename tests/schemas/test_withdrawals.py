"""Withdrawal orders: what they cover."""

import pytest

from schemas.codec import decode_withdrawal_order, encode
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON, article_id

ID = article_id("one")
URL = "https://www.example.fr/a/one.html"


def order(scope, target):
    return WithdrawalOrder(scope=scope, target=target, requested_at=NOON)


@pytest.mark.parametrize(
    ("given", "covers"),
    [
        (order("article", ID), True),
        (order("article", article_id("other")), False),
        (order("prefix", "https://www.example.fr/a/"), True),
        (order("prefix", "https://www.example.fr/b/"), False),
        (order("publisher", "example.fr"), True),
        (order("publisher", "example"), False),
    ],
)
def test_order_covers_what_it_names(given, covers):
    orders = WithdrawalOrders()
    orders.load(order_key(given), given)
    assert orders.covering(ID, URL, "example.fr") == (given if covers else None)
    orders.load(order_key(given), None)
    assert (orders.covering(ID, URL, "example.fr"), len(orders)) == (None, 0)


def test_what_is_unknown_of_an_article_is_not_guessed():
    orders = WithdrawalOrders()
    for given in (order("prefix", "https://"), order("publisher", "example.fr")):
        orders.load(order_key(given), given)
    assert orders.covering(ID, None, None) is None


def test_order_survives_the_wire():
    given = order("prefix", "https://www.example.fr/é/")
    assert decode_withdrawal_order(encode(given)) == given

"""What a person reads before and after something is forgotten. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from deploy.forget.operation import Forgotten
from deploy.forget.remains import Remain
from deploy.forget.targets import Concerned, Targets
from schemas.withdrawals import order_key

_SHOWN: Final = 20


def request_lines(asked: Targets, concerned: Concerned) -> Iterator[str]:
    """What will go."""
    yield "To be forgotten, now and whenever it is announced again:"
    yield from (f"  {printable(url)}" for url in asked.urls)
    yield from (f"  everything below {printable(prefix)}" for prefix in asked.prefixes)
    yield from (f"  everything of publisher {printable(publisher)}" for publisher in asked.publishers)
    others = [(id_, url) for id_, url in concerned.articles.items() if url not in asked.urls]
    if others:
        yield f"{articles_of(len(others))} {'is' if len(others) == 1 else 'are'} known that this concerns:"
        yield from (f"  {printable(url or id_)}" for id_, url in others[:_SHOWN])
    if len(others) > _SHOWN:
        yield f"  and {len(others) - _SHOWN} more"


def result_lines(done: Forgotten, unreadable: int, left: Sequence[Remain]) -> Iterator[str]:
    """What was done, and what remains."""
    count = len(done.orders)
    yield f"{count} {'order is' if count == 1 else 'orders are'} in force."
    count = len(done.articles)
    yield f"{articles_of(count)} {'is' if count == 1 else 'are'} withdrawn; the services delete what they come to."
    if unreadable:
        yield f"{unreadable} records could not be read and were passed over."
    yield "What remains, and until when:"
    width = max(len(place.where) for place in left)
    for place in left:
        until = "" if place.until is None else f"until {place.until:%Y-%m-%d} at the latest: "
        yield f"  {place.where:<{width}}  {until}{place.what}"


def result_json(done: Forgotten, unreadable: int, left: Sequence[Remain], documents: int | None) -> dict[str, Any]:
    """The same for machines.

    Args:
        done: what was done.
        unreadable: records that were passed over.
        left: what remains.
        documents: how many documents the index still holds; None if nobody asked.
    """
    return {
        "orders": [order_key(order) for order in done.orders],
        "articles": len(done.articles),
        "unreadable": unreadable,
        "documents": documents,
        "remains": [{"where": place.where, "until": place.until, "what": place.what} for place in left],
    }


def articles_of(count: int) -> str:
    """`1 article`, `2 articles`."""
    return f"{count} article{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Without what could command a terminal: addresses come from outside."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

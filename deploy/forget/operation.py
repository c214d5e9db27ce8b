"""The order of things when something is forgotten.

    look through the topics ─► (the person agrees) ─► orders acknowledged ─► look at what came meanwhile
    ─► withdrawals acknowledged

Whatever a stage handles after the orders, they cover; whatever was written before them has been seen, and gets a
withdrawal of its own. So nothing slips through between the two. Killed anywhere and run again, it completes; orders and
withdrawals that are given twice change nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deploy.forget.targets import Concerned, Reason, Sighting, Targets, article_orders, orders
from schemas.failpoints import failpoint
from schemas.messages import Withdrawal
from schemas.withdrawals import WithdrawalOrder


class SightingSource(Protocol):
    """What is said of articles; forget.sightings has Kafka's body."""

    def up_to_now(self) -> Iterator[Sighting]:
        """What was written before this call and not yet read."""


class Writer(Protocol):
    """Where orders and withdrawals go; forget.writer has Kafka's body."""

    def write_orders(self, orders: Sequence[WithdrawalOrder]) -> None:
        """Return when all are acknowledged."""

    def write_withdrawals(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Return when all are acknowledged."""


@dataclass(frozen=True)
class Forgotten:
    """What was done.

    Attributes:
        orders: in force now.
        articles: ids of the articles that were sent a withdrawal.
    """

    orders: tuple[WithdrawalOrder, ...]
    articles: tuple[str, ...]


def concerned_articles(asked: Targets, source: SightingSource) -> Concerned:
    """What is known so far of the articles that are to be forgotten."""
    concerned = Concerned(asked)
    for sighting in source.up_to_now():
        concerned.note(sighting)
    return concerned


def forget(
    asked: Targets, concerned: Concerned, source: SightingSource, writer: Writer, *, reason: Reason, at: datetime
) -> Forgotten:
    """Give the orders and withdraw the articles; returns when all of it is acknowledged.

    Args:
        asked: what to forget.
        concerned: what was found of it; grows by what came since.
        source: where that was found.
        writer: of orders and withdrawals.
        reason: for both.
        at: now.
    """
    given = [*orders(asked, reason, at), *article_orders(concerned.aliased, reason, at)]
    writer.write_orders(given)
    failpoint("forget.after_order")
    known = set(concerned.aliased)
    for sighting in source.up_to_now():
        concerned.note(sighting)
    late = article_orders((one for one in concerned.aliased if one not in known), reason, at)
    if late:
        writer.write_orders(late)
    articles = tuple(concerned.articles)
    writer.write_withdrawals(Withdrawal(article_id=one, reason=reason, requested_at=at) for one in articles)
    failpoint("forget.after_withdrawals")
    return Forgotten((*given, *late), articles)

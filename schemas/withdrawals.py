"""What must go and stay away: the orders on the compacted topic `withdrawals`, read by all stages before they work.

An order outlives every message: it keeps an article away that is delivered again, replayed or announced anew. The log
is read to its end before each batch, so that whatever is acknowledged there holds for everything handled afterwards.
"""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from schemas.articles import Instant

Scope = Literal["article", "prefix", "publisher"]


class WithdrawalOrder(Struct, frozen=True, kw_only=True, tag_field="type", tag="withdrawal_order"):
    """One order; its record's key is `scope:target`. A null value lifts it for articles that are not marked yet."""

    scope: Scope
    target: Annotated[str, Meta(description="article_id, beginning of a canonical URL, or publisher id")]
    reason: Annotated[str, Meta(description="forgotten | withdrawn_by_publisher")] = "forgotten"
    requested_at: Instant


def order_key(order: WithdrawalOrder) -> str:
    """The record key of an order."""
    return f"{order.scope}:{order.target}"


class WithdrawalOrders:
    """The orders that are in force. Lookup of articles and publishers is by hash; prefixes are tried one by one."""

    def __init__(self) -> None:
        self._held: dict[Scope, dict[str, WithdrawalOrder]] = {"article": {}, "prefix": {}, "publisher": {}}

    def __len__(self) -> int:
        return sum(len(held) for held in self._held.values())

    def load(self, key: str, order: WithdrawalOrder | None) -> None:
        """Take over one record; None lifts the order of that key."""
        scope, _, target = key.partition(":")
        for name, held in self._held.items():
            if name == scope:
                held.pop(target, None)
        if order is not None:
            self._held[order.scope][order.target] = order

    def covering(self, article_id: str, url: str | None, publisher_id: str | None) -> WithdrawalOrder | None:
        """An order that covers this article, or None."""
        found = self._held["article"].get(article_id)
        if found is None and publisher_id is not None:
            found = self._held["publisher"].get(publisher_id)
        if found is None and url is not None:
            found = next((order for prefix, order in self._held["prefix"].items() if url.startswith(prefix)), None)
        return found


class WithdrawalLog(Protocol):
    """Where the orders come from. Each process has its own; not thread-safe."""

    def read_to_end(self) -> WithdrawalOrders:
        """The orders, complete up to everything that was acknowledged before the call. Blocks for a round trip.

        Raises:
            WithdrawalsUnavailable: Kafka does not answer; nothing may be worked on before it does.
        """

    def close(self) -> None:
        """Let go of the connection."""


class WithdrawalsUnavailable(RuntimeError):
    """The orders cannot be read now: I/O, to be tried again."""


class WithdrawalsInMemory:
    """A log without Kafka: for tests, dry runs and stages that are run by hand."""

    def __init__(self) -> None:
        self.orders = WithdrawalOrders()

    def read_to_end(self) -> WithdrawalOrders:
        """See WithdrawalLog."""
        return self.orders

    def close(self) -> None:
        """Nothing to let go of."""

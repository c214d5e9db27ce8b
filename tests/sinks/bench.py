"""An indexer between fakes."""

import threading
from typing import Any

from schemas.withdrawals import Scope, WithdrawalOrder, order_key
from sinks.indexer import Indexer
from sinks.records import Partition
from tests.sinks.fakes import (
    FailingDeadLetters,
    FailingStore,
    FailingWithdrawals,
    RecordedMetrics,
    ScriptedSource,
    SteppingClock,
)
from tests.sinks.samples import ARTICLES, NOW, article, article_record, names, options

BAD_VALUE = b"{"
P0 = Partition(ARTICLES, 0)
P1 = Partition(ARTICLES, 1)


class Bench:
    """An indexer between fakes."""

    def __init__(self, *items: Any, **changes: Any) -> None:
        self.stop = threading.Event()
        self.source = ScriptedSource(self.stop, *items)
        self.store = FailingStore(names())
        self.dead_letters = FailingDeadLetters()
        self.withdrawals = FailingWithdrawals()
        self.metrics = RecordedMetrics()
        self.indexer = Indexer(
            self.source,
            self.store,
            self.dead_letters,
            options(**changes),
            withdrawals=self.withdrawals,
            metrics=self.metrics,
            clock=SteppingClock(),
            stop=self.stop,
        )

    def run(self) -> "Bench":
        self.indexer.run()
        return self

    def order(self, scope: Scope, target: str) -> None:
        order = WithdrawalOrder(scope=scope, target=target, requested_at=NOW)
        self.withdrawals.orders.load(order_key(order), order)

    @property
    def articles(self) -> set[str]:
        return set(self.store.documents[names().articles])


def many(count: int, *, partition: int = 0) -> list[Any]:
    return [article_record(article(f"article-{n}"), n, partition=partition) for n in range(count)]

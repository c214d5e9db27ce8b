"""As removals.py, for the sink, the poller and the withdrawal orders."""

import asyncio
import copy
import dataclasses
from collections.abc import Callable
from typing import Any, Final

BUFFERED_SECONDS: Final = 6.0
"""How long a write that was acknowledged too early stays in memory: longer than offsets wait for their commit."""


def _read_committed_sink() -> None:
    from sinks import kafka_source

    right = kafka_source.KafkaConsumer
    kafka_source.KafkaConsumer = lambda **named: right(**named | {"isolation_level": "read_uncommitted"})


def _document_versions() -> None:
    from sinks import store

    right = store._lines
    store._lines = lambda operation: right(dataclasses.replace(operation, version=None))


def _sink_commits_after_answers() -> None:
    from sinks.kafka_source import KafkaSource

    right = KafkaSource.poll

    def poll_and_commit(self: KafkaSource, timeout_seconds: float, *, paused: bool) -> Any:
        polled = right(self, timeout_seconds, paused=paused)
        self.commit({record.partition: record.offset + 1 for record in polled.records})
        return polled

    KafkaSource.poll = poll_and_commit


class _NoOrders:
    """A withdrawal log that nobody reads."""

    def __init__(self, *_: Any) -> None:
        from schemas.withdrawals import WithdrawalOrders

        self._none = WithdrawalOrders()

    def read_to_end(self) -> Any:
        return self._none

    def close(self) -> None: ...


def _withdrawal_orders() -> None:
    from deploy import withdrawal_log

    withdrawal_log.KafkaWithdrawalLog = _NoOrders


def _orders_before_each_batch() -> None:
    from deploy.withdrawal_log import KafkaWithdrawalLog

    right = KafkaWithdrawalLog.read_to_end

    def once(self: KafkaWithdrawalLog) -> Any:
        if not hasattr(self, "_first"):
            self._first = right(self)
        return self._first

    KafkaWithdrawalLog.read_to_end = once


def _outbox_before_feed() -> None:
    from producers.feed_poll import FeedPoller
    from producers.records import PendingPage

    right = FeedPoller._take_in

    class PagesLast:
        """Memory that keeps pages back until the feed record is saved."""

        def __init__(self, states: Any) -> None:
            self._states, self.kept_back = states, []

        def __getattr__(self, name: str) -> Any:
            return getattr(self._states, name)

        async def save(self, record: Any) -> None:
            if isinstance(record, PendingPage):
                self.kept_back.append(record)
            else:
                await self._states.save(record)

    async def feed_first(self: FeedPoller, *arguments: Any) -> None:
        changed = copy.copy(self)
        changed._states = PagesLast(self._states)
        await right(changed, *arguments)
        await asyncio.gather(*(self._states.save(page) for page in changed._states.kept_back))

    FeedPoller._take_in = feed_first


def _article_before_page_record() -> None:
    from producers.publisher import KafkaPublisher

    right = KafkaPublisher.publish

    async def publish_later(self: KafkaPublisher, article: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(BUFFERED_SECONDS)
            await right(self, article)

        task = asyncio.ensure_future(later())
        self.__dict__.setdefault("_tasks", set()).add(task)

    KafkaPublisher.publish = publish_later


EDGES: Final[dict[str, Callable[[], None]]] = {
    "read-committed-sink": _read_committed_sink,
    "document-versions": _document_versions,
    "sink-commits-after-answers": _sink_commits_after_answers,
    "withdrawal-orders": _withdrawal_orders,
    "orders-before-each-batch": _orders_before_each_batch,
    "outbox-before-feed": _outbox_before_feed,
    "article-before-page-record": _article_before_page_record,
}

"""Protection -> a function that takes it away from this process, by replacing the production class that implements it.

Each does what a plausible simpler design would do, not mere sabotage: a transactional id of its own for each worker,
plain writes one after the other, state read before the former owner is fenced, and so on.
"""

import asyncio
import copy
import dataclasses
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

BUFFERED_SECONDS = 6.0
"""How long a write that was acknowledged too early stays in memory: longer than offsets wait for their commit."""


def _fencing() -> None:
    from processors import transactional_agent
    from processors.partition_writer import RecordWriter

    class Unfenced(RecordWriter):
        def __init__(self, kafka: str, prefix: str, transactional_id: str | None = None, *, name: str = "") -> None:
            super().__init__(kafka, prefix, f"{transactional_id}-{uuid.uuid4().hex}", name=name)

    transactional_agent.RecordWriter = Unfenced


def _transactions() -> None:
    from processors import transactional_agent
    from processors.partition_writer import RecordWriter
    from schemas.failpoints import failpoint

    class Plain(RecordWriter):
        def __init__(self, kafka: str, prefix: str, _transactional_id: str | None = None, *, name: str = "") -> None:
            super().__init__(kafka, prefix, name=name)

        async def write(self, records: Any) -> None:
            state = [record for record in records if record.kafka_topic.name.startswith("state.")]
            await super().write([record for record in records if record not in state])
            failpoint(f"{self._name}.after_send")
            await super().write(state)

    transactional_agent.RecordWriter = Plain


def _restore_after_fence() -> None:
    from processors import transactional_agent
    from processors.partition_writer import RecordWriter

    class FencesLate(RecordWriter):
        _late = True

        async def start(self) -> None: ...

        async def write(self, records: Any) -> None:
            if self._late and records:
                await super().start()
                self._late = False
            await super().write(records)

        async def stop(self) -> None:
            if not self._late:
                await super().stop()

    transactional_agent.RecordWriter = FencesLate


def _offset_rule() -> None:
    from processors import dedupe, duplicates

    dedupe.is_redelivery = duplicates.is_redelivery = lambda *_: False


def _deciding(change: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    """Change what the decision sees of (what is known, the reading) of a known article."""
    from processors import dedupe

    right = dedupe.decide
    dedupe.decide = lambda known, reading: right(known, reading) if known is None else right(*change(known, reading))


def _superseded_rule() -> None:
    _deciding(
        lambda known, reading: (
            known,
            dataclasses.replace(reading, fetched_at=max(known.fetched_at, reading.fetched_at)),
        )
    )


def _announced_number() -> None:
    _deciding(lambda known, reading: (known, dataclasses.replace(reading, number=-1)))


def _reading_time() -> None:
    """A lower number is old, whatever the time says."""

    def by_number(known: Any, reading: Any) -> tuple[Any, Any]:
        old = reading.number < known.reading
        read_at = known.fetched_at - timedelta(days=1) if old else known.fetched_at
        return known, dataclasses.replace(reading, fetched_at=read_at)

    _deciding(by_number)


def _same_content_rule() -> None:
    from processors import duplicates

    duplicates.is_same_content = lambda *_: False


def _withdrawn_rule() -> None:
    from msgspec.structs import replace

    _deciding(lambda known, reading: (replace(known, withdrawn=False), reading))


def _input_identity() -> None:
    from processors.input_identity import InputIdentity

    InputIdentity.identify = lambda *_, **__: None


def _read_committed_workers() -> None:
    from processors import faust_transport

    del faust_transport._ReadCommittedThread._create_worker_consumer


def _read_committed_state() -> None:
    from processors import state_topic

    right = state_topic.AIOKafkaConsumer
    state_topic.AIOKafkaConsumer = lambda **named: right(**named | {"isolation_level": "read_uncommitted"})


def _read_committed_sink() -> None:
    from sinks import kafka_source

    right = kafka_source.KafkaConsumer
    kafka_source.KafkaConsumer = lambda **named: right(**named | {"isolation_level": "read_uncommitted"})


def _exception_rule() -> None:
    from processors import app

    def leave_the_block(_stage: str, _code: int, why: str) -> None:
        raise RuntimeError(why)

    app._end = leave_the_block


def _in_order_commits() -> None:
    from processors import faust_transport

    del faust_transport._InOrderConsumer._new_offset


def _acknowledged_before_commit() -> None:
    from processors import enrich_agent
    from processors.partition_writer import RecordWriter

    class Buffered(RecordWriter):
        async def write(self, records: Any) -> None:
            self._later = asyncio.get_running_loop().call_later(
                BUFFERED_SECONDS, lambda: asyncio.ensure_future(RecordWriter.write(self, records))
            )

    enrich_agent.RecordWriter = Buffered


def _version_guard() -> None:
    from msgspec.structs import replace

    from processors.cluster import ClusterMemory

    right = ClusterMemory.get

    def without_version(self: ClusterMemory, key: bytes) -> Any:
        known = right(self, key)
        return known and replace(known, version=0)

    ClusterMemory.get = without_version


def _size_check() -> None:
    from processors import transactional_agent

    transactional_agent._check_sizes = lambda _effect: None


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
            self._states, self.pages = states, []

        def __getattr__(self, name: str) -> Any:
            return getattr(self._states, name)

        async def save(self, record: Any) -> None:
            if isinstance(record, PendingPage):
                self.pages.append(record)
            else:
                await self._states.save(record)

    async def feed_first(self: FeedPoller, *arguments: Any) -> None:
        changed = copy.copy(self)
        changed._states = PagesLast(self._states)
        await right(changed, *arguments)
        await asyncio.gather(*(self._states.save(page) for page in changed._states.pages))

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


REMOVALS: Final[dict[str, Callable[[], None]]] = {
    "fencing": _fencing,
    "transactions": _transactions,
    "restore-after-fence": _restore_after_fence,
    "offset-rule": _offset_rule,
    "superseded-rule": _superseded_rule,
    "announced-number": _announced_number,
    "reading-time": _reading_time,
    "same-content-rule": _same_content_rule,
    "withdrawn-rule": _withdrawn_rule,
    "input-identity": _input_identity,
    "read-committed-workers": _read_committed_workers,
    "read-committed-state": _read_committed_state,
    "read-committed-sink": _read_committed_sink,
    "exception-rule": _exception_rule,
    "in-order-commits": _in_order_commits,
    "acknowledged-before-commit": _acknowledged_before_commit,
    "version-guard": _version_guard,
    "size-check": _size_check,
    "document-versions": _document_versions,
    "sink-commits-after-answers": _sink_commits_after_answers,
    "withdrawal-orders": _withdrawal_orders,
    "orders-before-each-batch": _orders_before_each_batch,
    "outbox-before-feed": _outbox_before_feed,
    "article-before-page-record": _article_before_page_record,
}

"""Protection -> a function that takes it away from this process, by replacing the production class that implements it.

Each does what a plausible simpler design would do, not mere sabotage: a transactional id of its own for each worker,
plain writes one after the other, state read before the former owner is fenced, and so on.
"""

import asyncio
import dataclasses
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from tests.faults.removals_edges import BUFFERED_SECONDS, EDGES


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


REMOVALS: Final[dict[str, Callable[[], None]]] = EDGES | {
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
    "exception-rule": _exception_rule,
    "in-order-commits": _in_order_commits,
    "acknowledged-before-commit": _acknowledged_before_commit,
    "version-guard": _version_guard,
    "size-check": _size_check,
}

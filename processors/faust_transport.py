"""Faust's Kafka transport with two corrections, for workers that read transactional topics.

faust-streaming 0.15.3 reads committed records only under `exactly_once`, which we never use. And it takes
the offsets that transaction markers and aborted records occupy for unprocessed messages unless it has noted the gap,
which it does not behind a topic's very first message (`if gap > 1 and r_offset`, where r_offset is 0): its commits then
stand still until the worker is started again. tests/integration/test_transactional_input.py fails without either
correction. Private names are used, so the version is pinned exactly.
"""

import logging
from collections.abc import Mapping
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from schemas.failpoints import failpoint
from schemas.reasons import Stage


class _ReadCommittedThread(AIOKafkaConsumerThread):  # type: ignore[misc]  # not typed
    logger = logging.getLogger("faust.transport")

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001  # read by start(), which comes later
        return consumer


class _InOrderConsumer(Consumer):  # type: ignore[misc]  # faust is not typed
    """Our agents have concurrency 1, so messages are acknowledged in the order of their offsets, gaps or not."""

    logger = logging.getLogger("faust.transport")

    def _new_consumer_thread(self) -> _ReadCommittedThread:
        return _ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        committed = bool(await super()._commit_offsets(offsets, start_new_transaction))
        failpoint(f"{self.transport.stage}.after_offsets")
        return committed

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        next_offset = max(acked) + 1
        acked.clear()
        self._acked_index[tp].clear()
        self._gap[tp].clear()
        return int(next_offset)


class ReadCommittedTransport(Transport):  # type: ignore[misc]  # faust is not typed
    """The transport to set on an app before it starts."""

    Consumer = _InOrderConsumer

    def __init__(self, *arguments: Any, stage: Stage, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.stage = stage

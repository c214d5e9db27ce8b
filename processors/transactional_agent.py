"""The body of dedupe and cluster: take a batch, decide, write all of it in one transaction for each partition.

    withdrawal orders read to their end -> stage.effect(memory of the partition) -> outputs + state + traces
    -> one transaction -> next

On a partition's first batch after it was assigned: start its writer (fences the former owner) -> read its state -> say
which input topic it is -> forget what is too old -> go. What leaves `process` has been committed. A decision that
raises is the message's fault and makes a dead letter; I/O that raises is ours and goes up: the caller must end the
process (app.py).
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, Generic, Protocol, TypeVar

import structlog
from aiokafka.errors import KafkaError

from processors.brake import Brake
from processors.dead_letters import set_aside
from processors.input_identity import IDENTITY_KEY
from processors.options import ProcessorOptions
from processors.partition_writer import RecordWriter
from processors.records import Arrival, Outgoing
from processors.stages import Effect, FormerNeeded, Rejected
from processors.state_topic import FormerReadings, StateTopic, topic_id
from schemas.failpoints import failpoint
from schemas.kafka_topics import KafkaTopic, full_name
from schemas.limits import MAX_RECORD_BYTES
from schemas.metrics import Metrics
from schemas.reasons import Stage
from schemas.withdrawals import WithdrawalLog, WithdrawalOrders

log = structlog.get_logger()

_FORGOTTEN_AT_ONCE: Final = 5_000
_FORGET_EVERY_SECONDS: Final = 24 * 3600.0


class InputReplaced(RuntimeError):
    """The input topic is another one than when this worker took its partition over; a new worker will know it."""


class Memory(Protocol):
    """The state of one partition: a prefix of its state topic."""

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take over one state record; null forgets."""

    def identify(self, topic_id: str) -> bytes | None:
        """Note which topic the input is; the state record to write under IDENTITY_KEY, or None."""

    def stale(self, now: datetime) -> Iterator[bytes]:
        """Keys that are too old to be remembered."""

    def __len__(self) -> int:
        """Articles known."""


M = TypeVar("M", bound=Memory)
M_contra = TypeVar("M_contra", bound=Memory, contravariant=True)


class TransactionalStage(Protocol[M_contra]):
    """The decisions of a stage that owns state.

    Attributes:
        asks_for_former: whether `effect` may answer with FormerNeeded.
    """

    asks_for_former: bool

    def effect(
        self, memory: M_contra, arrival: Arrival, orders: WithdrawalOrders, now: datetime
    ) -> Effect | FormerNeeded:
        """What the record causes. Raises Rejected for a message that can never be processed."""


class _Owned(Generic[M]):
    """A partition that this worker owns."""

    def __init__(self, memory: M, writer: RecordWriter) -> None:
        self.memory = memory
        self.writer = writer
        self.last_offset = -1
        self.swept_at = perf_counter()


class TransactionalAgent(Generic[M]):
    """Runs a stage over the partitions that Kafka assigns to this worker."""

    def __init__(
        self,
        name: Stage,
        stage: TransactionalStage[M],
        options: ProcessorOptions,
        *,
        input_topic: KafkaTopic,
        state_topic: KafkaTopic,
        new_memory: Callable[[], M],
        withdrawals: WithdrawalLog,
        brake: Brake,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self.name = name
        self.input_topic = input_topic
        self._stage = stage
        self._options = options
        self._input_name = full_name(input_topic, options.topic_prefix)
        self._state_kafka_topic = state_topic
        self._state = StateTopic(options.kafka, options.topic_prefix, state_topic)
        self._former = FormerReadings(options.kafka, options.topic_prefix, input_topic)
        self._new_memory = new_memory
        self._withdrawals = withdrawals
        self._brake = brake
        self._clock = clock
        self._metrics = metrics
        self._owned: dict[int, _Owned[M]] = {}

    async def keep_only(self, partitions: Iterable[int]) -> None:
        """Give up every partition that is not in `partitions`.

        A partition that stays keeps its writer and memory: had another worker owned it in between, Kafka would have
        fenced the writer, and the next transaction would fail.
        """
        for partition in set(self._owned) - set(partitions):
            owned = self._owned.pop(partition)
            await owned.writer.stop()
            log.info("partition released", stage=self.name, partition=partition)

    async def process(self, arrivals: Sequence[Arrival]) -> None:
        """Decide on the records and commit what they cause; returns when Kafka has committed all of it."""
        async for portion in self._brake.portions(arrivals):
            started = perf_counter()
            orders = await asyncio.to_thread(self._withdrawals.read_to_end)
            partitions: dict[int, list[Arrival]] = {}
            for arrival in portion:
                partitions.setdefault(arrival.partition, []).append(arrival)
            await asyncio.gather(
                *(self._process_partition(number, batch, orders) for number, batch in partitions.items())
            )
            self._metrics.count("messages_in_total", len(portion), stage=self.name)
            self._metrics.observe("stage_seconds", perf_counter() - started, stage=self.name)
        self._metrics.gauge("state_entries", sum(len(o.memory) for o in self._owned.values()), stage=self.name)

    async def _process_partition(self, partition: int, batch: Sequence[Arrival], orders: WithdrawalOrders) -> None:
        owned = await self._own(partition)
        await self._check_order(owned, batch)
        records: list[Outgoing] = []
        for arrival in batch:
            effect = await self._effect(owned.memory, arrival, orders)
            self._brake.note(dead=effect.disposition == "dead_letter")
            records.extend(effect.outputs)
            if effect.state is not None and arrival.key is not None:
                owned.memory.load(arrival.key, effect.state)
                if self._stage.asks_for_former:
                    self._former.keep(partition, arrival.offset, arrival.key, arrival.value or b"")
                records.append(Outgoing(self._state_kafka_topic, arrival.key, effect.state, partition=partition))
            if effect.disposition:
                self._metrics.count("dispositions_total", stage=self.name, disposition=effect.disposition)
        failpoint(f"{self.name}.after_decide")
        await owned.writer.write(records)
        failpoint(f"{self.name}.after_commit")
        owned.last_offset = batch[-1].offset
        if perf_counter() - owned.swept_at > _FORGET_EVERY_SECONDS:
            await self._forget_old(partition, owned)
        if records:
            self._metrics.count("transactions_total", stage=self.name, outcome="committed")
            self._metrics.count("messages_out_total", len(records), stage=self.name)

    async def _check_order(self, owned: _Owned[M], batch: Sequence[Arrival]) -> None:
        """Offsets that go back are a redelivery, or another topic under the same name: then this worker must end.

        Raises:
            InputReplaced: the input topic was made anew while we read it.
        """
        if batch[0].offset <= owned.last_offset:
            present = await topic_id(self._options.kafka, self._input_name)
            if owned.memory.identify(present) is not None:
                raise InputReplaced(f"{self._input_name} was made anew")

    async def _effect(self, memory: M, arrival: Arrival, orders: WithdrawalOrders) -> Effect:
        now = self._clock()
        try:
            effect = self._stage.effect(memory, arrival, orders, now)
            if isinstance(effect, FormerNeeded):
                value = await self._former.read(arrival.partition, effect.offset, arrival.key or b"")
                failpoint(f"{self.name}.after_former")
                effect = effect.finish(value)
            _check_sizes(effect)
        except Rejected as rejected:
            return self._set_aside(arrival, rejected, now)
        except KafkaError:
            raise  # I/O: ours, not the message's
        except Exception:  # noqa: BLE001  # a bug of ours must not block the messages behind this one
            return self._set_aside(arrival, Rejected("internal_error", traceback.format_exc()), now)
        return effect

    def _set_aside(self, arrival: Arrival, rejected: Rejected, now: datetime) -> Effect:
        return set_aside(self.name, self._input_name, arrival, rejected, now, self._metrics)

    async def _own(self, partition: int) -> _Owned[M]:
        owned = self._owned.get(partition)
        if owned is None:
            started = perf_counter()
            transactional_id = f"{self._options.group(self.name)}-{partition}"
            writer = RecordWriter(self._options.kafka, self._options.topic_prefix, transactional_id, name=self.name)
            await writer.start()
            failpoint(f"{self.name}.after_fence")
            memory = self._new_memory()
            count = await self._state.read(partition, memory.load)
            failpoint(f"{self.name}.after_restore")
            owned = self._owned[partition] = _Owned(memory, writer)
            await self._identify_input(partition, owned)
            await self._forget_old(partition, owned)
            seconds = round(perf_counter() - started, 2)
            log.info("partition taken over", stage=self.name, partition=partition, state_records=count, seconds=seconds)
        return owned

    async def _identify_input(self, partition: int, owned: _Owned[M]) -> None:
        identity = owned.memory.identify(await topic_id(self._options.kafka, self._input_name))
        if identity is not None:
            await owned.writer.write([Outgoing(self._state_kafka_topic, IDENTITY_KEY, identity, partition=partition)])

    async def _forget_old(self, partition: int, owned: _Owned[M]) -> None:
        owned.swept_at = perf_counter()
        stale = list(owned.memory.stale(self._clock()))
        for start in range(0, len(stale), _FORGOTTEN_AT_ONCE):
            keys = stale[start : start + _FORGOTTEN_AT_ONCE]
            await owned.writer.write([Outgoing(self._state_kafka_topic, k, None, partition=partition) for k in keys])
            for key in keys:
                owned.memory.load(key, None)
        if stale:
            log.info("old articles forgotten", stage=self.name, partition=partition, articles=len(stale))

    async def stop(self) -> None:
        """Give up all partitions."""
        await self.keep_only(())
        await self._former.stop()


def _check_sizes(effect: Effect) -> None:
    for record in effect.outputs:
        size = len(record.value or b"")
        if size > MAX_RECORD_BYTES:
            raise Rejected(
                "record_too_large", f"{size} bytes for {record.kafka_topic.name}, at most {MAX_RECORD_BYTES}"
            )

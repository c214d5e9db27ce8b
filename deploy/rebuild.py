"""Makes the states of dedupe and cluster again: reads the topics, lets processors.rebuild_* plan, writes the plans.

    no member in either group ─► writer of cluster started ─► for each partition: writer of dedupe started
      ─► articles.enriched, .unique, .fetched, state.dedupe read ─► plan written
    ─► the end of articles.enriched once more, for signatures ─► state.cluster read ─► plan written

The writers have the transactional ids of the stages' own partitions: one that still ran all the same would be fenced,
and what it left open is aborted before anything is read. Memory: all of state.cluster and a sixth of state.dedupe.
Interrupted, it can simply be run again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from kafka import KafkaAdminClient
from kafka.errors import KafkaError as KafkaPythonError

from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from processors.options import ProcessorOptions
from processors.partition_writer import RecordWriter
from processors.rebuild import Enriched, Plan, enriched_of
from processors.rebuild_cluster import ClusterRebuild
from processors.rebuild_dedupe import DedupeRebuild
from processors.records import Outgoing
from processors.state_topic import topic_id
from schemas.kafka_topics import ENRICHED, FETCHED, STATE_CLUSTER, STATE_DEDUPE, UNIQUE, KafkaTopic, full_name

_POLL_MS: Final = 500
_MOST_AT_ONCE: Final = 500
_SILENT_SECONDS: Final = 30.0
_RECORDS_IN_A_TRANSACTION: Final = 2_000
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_ATTEMPTS: Final = 6
_RETRY_SECONDS: Final = 0.5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAGES: Final = ("dedupe", "cluster")


@dataclass
class Rebuilt:
    """What was done to one state topic; counts are records."""

    kafka_topic: str
    written: int = 0
    kept: int = 0
    tombstoned: int = 0

    def add(self, plan: Plan[Any]) -> None:
        """Count a plan that was carried out."""
        self.written += len(plan.rebuilt)
        self.kept += plan.kept
        self.tombstoned += len(plan.damaged)


def require_stopped(options: ProcessorOptions) -> None:
    """Make sure that nobody works on the states.

    Raises:
        UserError: dedupe or cluster is running, or was a moment ago.
        ServerAbsent: Kafka does not answer.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=options.kafka.split(","), bootstrap_timeout_ms=KAFKA_ANSWER_MS)
    except (OSError, KafkaPythonError) as error:
        raise _absent(options) from error
    try:
        running = _running(admin, options)
    except KafkaPythonError as error:
        raise UserError(f"Kafka does not tell who is working ({error})", "try again in a moment") from error
    finally:
        admin.close()
    if running:
        seconds = options.session_timeout_seconds
        raise UserError(
            f"{' and '.join(running)} still {'work' if len(running) > 1 else 'works'}",
            f"stop dedupe and cluster first (one that was killed counts for {seconds:.0f} s)",
        )


def _running(admin: Any, options: ProcessorOptions) -> list[str]:
    """The stages that have members. A new broker makes its topic of groups when it is first asked for one."""
    attempts = 0
    while True:
        try:
            groups = admin.describe_groups([options.group(stage) for stage in _STAGES])
        except KafkaPythonError as error:
            attempts += 1
            if not error.retriable or attempts == _ATTEMPTS:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return [stage for stage in _STAGES if groups[options.group(stage)]["members"]]


def rebuild_state(options: ProcessorOptions, report: Callable[[str], None]) -> tuple[Rebuilt, Rebuilt]:
    """Rebuild both states.

    Args:
        options: of the processors.
        report: gets one line for each partition.

    Raises:
        UserError: a worker was started meanwhile, or Kafka refuses.
        ServerAbsent: Kafka does not answer.
    """
    try:
        return asyncio.run(_Rebuilding(options, report).run())
    except (KafkaError, TimeoutError) as error:
        raise UserError(
            f"the states are not rebuilt ({type(error).__name__}: {error})",
            "make sure that dedupe and cluster stand still and Kafka answers, then run it again",
        ) from error


class _Rebuilding:
    def __init__(self, options: ProcessorOptions, report: Callable[[str], None]) -> None:
        self._options = options
        self._report = report
        self._cluster = ClusterRebuild(timedelta(seconds=options.story_window_seconds))
        self._skipped = 0

    async def run(self) -> tuple[Rebuilt, Rebuilt]:
        fetched_id = await topic_id(self._options.kafka, full_name(FETCHED, self._options.topic_prefix))
        dedupe, cluster = Rebuilt(STATE_DEDUPE.name), Rebuilt(STATE_CLUSTER.name)
        async with self._writer("cluster", 0) as writer:
            for partition in range(STATE_DEDUPE.partitions):
                await self._dedupe_partition(partition, fetched_id, dedupe)
            await self._read_signatures()
            await self._read(STATE_CLUSTER, 0, lambda record: self._cluster.existing(record.key, record.value))
            cluster.add(await _write(writer, STATE_CLUSTER, 0, self._cluster.plan()))
        if self._skipped:
            self._report(f"{self._skipped} records of {ENRICHED.name} cannot be read and were passed over")
        return dedupe, cluster

    async def _dedupe_partition(self, partition: int, fetched_id: str, total: Rebuilt) -> None:
        dedupe = DedupeRebuild()

        def take(record: Any) -> None:
            found = _enriched(record)
            if found is None:
                self._skipped += 1
                return
            dedupe.enriched(found)
            self._cluster.enriched(found)

        async with self._writer("dedupe", partition) as writer:
            await self._read(ENRICHED, partition, take)
            await self._read(UNIQUE, partition, lambda record: dedupe.unique(record.key, record.value))
            await self._read(FETCHED, partition, lambda record: dedupe.fetched(record.key, record.offset, record.value))
            await self._read(STATE_DEDUPE, partition, lambda record: dedupe.existing(record.key, record.value))
            total.add(await _write(writer, STATE_DEDUPE, partition, dedupe.plan(fetched_id)))
        self._report(f"partition {partition + 1} of {STATE_DEDUPE.partitions} is done")

    async def _read_signatures(self) -> None:
        """Read once more what was written since the window of stories began: no record is older than its article."""

        def take(record: Any) -> None:
            if (found := _enriched(record)) is not None:
                self._cluster.enriched_again(found)

        if (since := self._cluster.window_start) is not None:
            for partition in range(ENRICHED.partitions):
                await self._read(ENRICHED, partition, take, since=since - _CLOCKS_DIFFER)

    @asynccontextmanager
    async def _writer(self, stage: str, partition: int) -> AsyncIterator[RecordWriter]:
        options = self._options
        writer = RecordWriter(options.kafka, options.topic_prefix, f"{options.group(stage)}-{partition}")
        await writer.start()
        try:
            yield writer
        finally:
            await writer.stop()

    async def _read(
        self, kafka_topic: KafkaTopic, partition: int, take: Callable[[Any], None], since: datetime | None = None
    ) -> None:
        """Hand the committed records of a partition to `take`, in order; `since` leaves out those written before."""
        place = TopicPartition(full_name(kafka_topic, self._options.topic_prefix), partition)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._options.kafka,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        await consumer.start()
        try:
            consumer.assign([place])
            end = (await consumer.end_offsets([place]))[place]
            if since is None:
                await consumer.seek_to_beginning(place)
            else:
                found = (await consumer.offsets_for_times({place: int(since.timestamp() * 1000)}))[place]
                consumer.seek(place, found.offset if found else end)
            heard, reached = time.monotonic(), -1
            while (position := await consumer.position(place)) < end:
                if position != reached:
                    heard, reached = time.monotonic(), position
                elif time.monotonic() - heard > _SILENT_SECONDS:
                    raise _absent(self._options)
                for records in (await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_AT_ONCE)).values():
                    for record in records:
                        take(record)
        finally:
            await consumer.stop()


async def _write(writer: RecordWriter, kafka_topic: KafkaTopic, partition: int, plan: Plan[Any]) -> Plan[Any]:
    records: Iterable[tuple[bytes, bytes | None]] = plan.records()
    remaining = (Outgoing(kafka_topic, key, value, partition=partition) for key, value in records)
    while portion := list(islice(remaining, _RECORDS_IN_A_TRANSACTION)):
        await writer.write(portion)
    return plan


def _enriched(record: Any) -> Enriched | None:
    written_at = _EPOCH + timedelta(milliseconds=max(0, record.timestamp))
    return enriched_of(record.key, record.value, record.headers, written_at)


def _absent(options: ProcessorOptions) -> ServerAbsent:
    return ServerAbsent(f"no Kafka answers at {options.kafka}", "start it, or correct KIOSQUE_KAFKA")

"""The body of enrich and reenrich: take a batch, label it in the pool, write what it causes, in order.

Plain at-least-once without transactions: enrichment has no state, and cluster drops duplicates by version.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter

from processors.brake import Brake
from processors.dead_letters import set_aside
from processors.enrich_failure import Failure
from processors.enrich_pool import EnrichPool
from processors.options import ProcessorOptions
from processors.partition_writer import RecordWriter
from processors.records import Arrival, Outgoing
from processors.stages import Effect, Rejected
from schemas.failpoints import failpoint
from schemas.kafka_topics import KafkaTopic, full_name
from schemas.metrics import Metrics
from schemas.reasons import Stage


class EnrichAgent:
    """Runs the enrichment over the partitions that Kafka assigns to this worker.

    Args:
        stage: enrich or reenrich.
        options: see there.
        pool: the model processes; the agent stops it.
        input_topic: what it reads, for dead letters.
        brake: pauses after too many dead letters in a row.
        beat: called whenever one article is done: a batch of slow ones is not stuck.
        clock: now, aware UTC.
        metrics: where to report.
    """

    def __init__(
        self,
        stage: Stage,
        options: ProcessorOptions,
        pool: EnrichPool,
        *,
        input_topic: KafkaTopic,
        brake: Brake,
        beat: Callable[[], None],
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._stage: Stage = stage
        self._input_name = full_name(input_topic, options.topic_prefix)
        self._pool = pool
        self._options = options
        self._writer: RecordWriter | None = None
        self._brake = brake
        self._beat = beat
        self._clock = clock
        self._metrics = metrics

    async def process(self, arrivals: Sequence[Arrival]) -> None:
        """Label the records; returns when Kafka has acknowledged all that they cause."""
        async for portion in self._brake.portions(arrivals):
            started = perf_counter()
            for effect in await self._label_and_write(portion):
                self._brake.note(dead=effect.disposition == "dead_letter")
                if effect.disposition:
                    self._metrics.count("dispositions_total", stage=self._stage, disposition=effect.disposition)
            self._metrics.count("messages_in_total", len(portion), stage=self._stage)
            self._metrics.observe("stage_seconds", perf_counter() - started, stage=self._stage)

    async def _label_and_write(self, arrivals: Sequence[Arrival]) -> list[Effect]:
        now = self._clock()
        results = await self._pool.effects(self._stage, arrivals, now.timestamp(), self._beat)
        failpoint(f"{self._stage}.after_labels")
        effects = [
            result if isinstance(result, Effect) else self._set_aside(arrival, result, now)
            for arrival, result in zip(arrivals, results, strict=True)
        ]
        records: list[Outgoing] = [record for effect in effects for record in effect.outputs]
        await (await self._started_writer()).write(records)
        failpoint(f"{self._stage}.after_send")
        self._metrics.count("messages_out_total", len(records), stage=self._stage)
        return effects

    def _set_aside(self, arrival: Arrival, failure: Failure, now: datetime) -> Effect:
        rejected = Rejected(failure.reason, failure.detail)
        return set_aside(self._stage, self._input_name, arrival, rejected, now, self._metrics)

    async def _started_writer(self) -> RecordWriter:
        if self._writer is None:
            writer = RecordWriter(self._options.kafka, self._options.topic_prefix, name=self._stage)
            await writer.start()
            self._writer = writer
        return self._writer

    async def stop(self) -> None:
        """Close the connection and end the processes."""
        if self._writer is not None:
            await self._writer.stop()
        self._pool.stop()

"""The body of enrich: take a batch, label it in the pool, write what it causes, in order.

Plain at-least-once without transactions: enrichment has no state, and cluster drops duplicates by version.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter

from processors.dead_letters import set_aside
from processors.enrich_pool import EnrichPool
from processors.enrich_stage import Failure
from processors.options import ProcessorOptions
from processors.partition_writer import RecordWriter
from processors.records import Arrival, Outgoing
from processors.stages import Effect, Rejected
from schemas.kafka_topics import KafkaTopic, full_name
from schemas.metrics import Metrics


class EnrichAgent:
    """Runs the enrichment over the partitions that Kafka assigns to this worker."""

    def __init__(
        self,
        options: ProcessorOptions,
        pool: EnrichPool,
        *,
        input_topic: KafkaTopic,
        clock: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._input_name = full_name(input_topic, options.topic_prefix)
        self._pool = pool
        self._options = options
        self._writer: RecordWriter | None = None
        self._clock = clock
        self._metrics = metrics

    async def process(self, arrivals: Sequence[Arrival]) -> None:
        """Label the records; returns when Kafka has acknowledged all that they cause."""
        started = perf_counter()
        now = self._clock()
        results = await self._pool.effects(arrivals, now.timestamp())
        records: list[Outgoing] = []
        for arrival, result in zip(arrivals, results, strict=True):
            effect = result if isinstance(result, Effect) else self._set_aside(arrival, result, now)
            records.extend(effect.outputs)
            if effect.disposition:
                self._metrics.count("dispositions_total", stage="enrich", disposition=effect.disposition)
        await (await self._started_writer()).write(records)
        self._metrics.count("messages_in_total", len(arrivals), stage="enrich")
        self._metrics.count("messages_out_total", len(records), stage="enrich")
        self._metrics.observe("stage_seconds", perf_counter() - started, stage="enrich")

    def _set_aside(self, arrival: Arrival, failure: Failure, now: datetime) -> Effect:
        rejected = Rejected(failure.reason, failure.detail)
        return set_aside("enrich", self._input_name, arrival, rejected, now, self._metrics)

    async def _started_writer(self) -> RecordWriter:
        if self._writer is None:
            writer = RecordWriter(self._options.kafka, self._options.topic_prefix)
            await writer.start()
            self._writer = writer
        return self._writer

    async def stop(self) -> None:
        """Close the connection and end the processes."""
        if self._writer is not None:
            await self._writer.stop()
        self._pool.stop()

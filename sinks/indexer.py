"""Kafka -> Elasticsearch: consume, write, and only then commit.

    poll -> withdrawal orders read to their end -> decode and decide (inputs.py, operations.py) -> one bulk request
    (store.py) -> an outcome for each item (bulk_result.py) -> what is settled (settlement.py) -> dead letters
    acknowledged -> offsets committed

Delivery is at least once with idempotent effects. While Elasticsearch or the dead letters cannot take anything, or the
orders cannot be read, the partitions are paused, polling goes on so that the group keeps its member, nothing is
committed, and the gauge `ready` is 0. After too many dead letters in a row one record is tried from time to time. Every
decision is made in the pure modules named above; this one owns the order of things.
"""

import math
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from schemas.failpoints import failpoint
from schemas.headers import replay_of
from schemas.metrics import Metrics
from schemas.withdrawals import WithdrawalLog, WithdrawalOrders, WithdrawalsUnavailable
from sinks.batches import PendingRecords
from sinks.bulk_result import Done, Superseded, Verdict, history_was_lost, verdict_of
from sinks.dead_letters import DeadLetters, dead_record
from sinks.errors import SourceUnavailable, Unavailable
from sinks.inputs import Inputs
from sinks.kafka_source import RecordSource
from sinks.mapping import index_names
from sinks.measures import report_outcomes, report_settled
from sinks.operations import Plan, SetAside, plan
from sinks.options import IndexerOptions
from sinks.records import Partition, Record
from sinks.servers import Servers
from sinks.settlement import Settlement, next_offsets, retry_delay_seconds, settlement
from sinks.store import Store

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 0.25
"""Longest single poll: how late a stop can be noticed."""


class Indexer:
    """One member of the group `kiosque-index`. `run` returns after `stop` is set."""

    def __init__(
        self,
        source: RecordSource,
        store: Store,
        dead_letters: DeadLetters,
        options: IndexerOptions,
        *,
        withdrawals: WithdrawalLog,
        metrics: Metrics,
        clock: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._source = source
        self._store = store
        self._dead_letters = dead_letters
        self._withdrawals = withdrawals
        self._options = options
        self._metrics = metrics
        self._clock = clock
        self._stop = stop
        self._names = index_names(options.index_prefix)
        self._inputs = Inputs(options.topic_prefix)
        self._servers = Servers(store, withdrawals)
        self._pending = PendingRecords(
            batch_records=options.batch_records,
            batch_bytes=options.batch_bytes,
            batch_seconds=options.batch_seconds,
        )
        self._uncommitted: dict[Partition, int] = {}
        self._failures = 0
        self._streak = 0
        self._paused = False

    def run(self) -> None:
        """Work until `stop` is set, then write what is pending once more."""
        while not self._stop.is_set():
            hold = self._pending.full or bool(len(self._pending) and (self._failures or self._paused))
            self._read(0 if hold else min(_POLL_SECONDS, self._options.batch_seconds), paused=hold)
            if self._uncommitted:
                self._commit()
            if self._pending.due(self._clock()):
                self._write_or_wait()
            elif self._idle():
                self._servers.look(self._clock())
            if not self._uncommitted:  # commits that fail for minutes are no progress: a new member may do better
                self._beat()
        while len(self._pending) and not self._failures and not self._paused:
            self._failures += self._write_batch() is not None
        self._metrics.gauge("ready", 0, stage="index")

    def _read(self, timeout_seconds: float, *, paused: bool) -> None:
        try:
            polled = self._source.poll(timeout_seconds, paused=paused)
        except SourceUnavailable as error:
            log.warning("kafka cannot be read", error=str(error))
            self._metrics.gauge("ready", 0, stage="index")
            self._stop.wait(_POLL_SECONDS)
            return
        if polled.revoked:
            log.info("partitions revoked", partitions=sorted(polled.revoked))
            self._pending.drop(polled.revoked)
            self._uncommitted = {p: o for p, o in self._uncommitted.items() if p not in polled.revoked}
        if polled.records:
            self._pending.add(polled.records, self._clock())
            self._metrics.count("messages_in_total", len(polled.records), stage="index")
            failpoint("index.after_poll")
        if not len(self._pending):
            self._failures = 0  # what failed is another member's now
        works = self._servers.usable and not self._failures and not self._paused
        self._metrics.gauge("ready", int(works and self._source.assigned()), stage="index")

    def _idle(self) -> bool:
        """Nothing to write or to commit, and no joining that should not be left alone meanwhile."""
        return not len(self._pending) and not self._uncommitted and self._source.assigned()

    def _beat(self) -> None:
        self._metrics.count("heartbeats_total", stage="index")

    def _write_or_wait(self) -> None:
        waiting = self._write_batch()
        if waiting is not None:
            self._failures += 1
            delay = retry_delay_seconds(self._failures, self._options.retry_seconds, self._options.retry_max_seconds)
            log.warning("records wait", why=waiting, attempt=self._failures, retry_in_seconds=delay)
            self._stay_alive(delay)
            return
        self._failures = 0
        if self._paused:
            self._stay_alive(self._options.probe_seconds)

    def _stay_alive(self, seconds: float) -> None:
        """Keep the membership for so long without reading on."""
        self._metrics.gauge("ready", 0, stage="index")
        for _ in range(max(1, math.ceil(seconds / _POLL_SECONDS))):
            if self._stop.is_set():
                return
            self._read(min(seconds, _POLL_SECONDS), paused=True)
            self._beat()

    def _write_batch(self) -> str | None:
        """Carry the oldest records as far as the servers allow; why the rest must wait, or None."""
        started = self._clock()
        batch = self._pending.batch(most=1 if self._paused else None)
        try:
            orders = self._withdrawals.read_to_end()
            plans = [self._plan(record, orders, started) for record in batch]
            verdicts = self._verdicts(plans)
            self._beat()  # each of the requests may last a minute: together they would look like a standstill
            result = settlement(batch, verdicts, self._streak, self._options.dead_letter_limit)
            self._set_aside(batch, verdicts, result)
            self._look_for_lost_history([plans[i] for i in result.settled], [verdicts[i] for i in result.settled])
        except (Unavailable, WithdrawalsUnavailable) as error:
            return f"{type(error).__name__}: {error}"
        settled = [batch[position] for position in result.settled]
        self._servers.worked(self._clock())
        self._pending.remove(settled, self._clock())
        self._uncommitted |= next_offsets(settled)
        self._commit()
        self._note_streak(result)
        self._note_superseded(batch, verdicts, result)
        report_settled(
            self._metrics, [(plans[i], verdicts[i]) for i in result.settled], started=started, now=self._clock()
        )
        return result.waiting

    def _plan(self, record: Record, orders: WithdrawalOrders, now: datetime) -> Plan | SetAside:
        kind = self._inputs.kind(record)
        return kind if isinstance(kind, SetAside) else plan(record, kind, self._names, now, orders)

    def _verdicts(self, plans: Sequence[Plan | SetAside]) -> list[Verdict]:
        operations = [operation for planned in plans if isinstance(planned, Plan) for operation in planned.operations]
        started = self._clock()
        outcomes = self._store.write(operations)
        if operations:
            self._metrics.observe("bulk_seconds", max(0.0, (self._clock() - started).total_seconds()))
        report_outcomes(self._metrics, outcomes)
        answers = iter(outcomes)
        return [
            planned if isinstance(planned, SetAside) else verdict_of([next(answers) for _ in planned.operations])
            for planned in plans
        ]

    def _set_aside(self, batch: Sequence[Record], verdicts: Sequence[Verdict], result: Settlement) -> None:
        dead = []
        for position in result.settled:
            record, verdict = batch[position], verdicts[position]
            if isinstance(verdict, SetAside):
                log.warning(
                    "record set aside",
                    reason=verdict.reason,
                    detail=verdict.detail,
                    kafka_topic=record.partition.kafka_topic,
                    partition=record.partition.number,
                    offset=record.offset,
                )
                dead.append(dead_record(record, verdict, self._clock(), self._inputs.origin(record)))
        self._dead_letters.write(dead)
        if dead:
            failpoint("index.after_dead_letters")

    def _look_for_lost_history(self, plans: Sequence[Plan | SetAside], verdicts: Sequence[Verdict]) -> None:
        """Sound the alarm of D5; `bulk_result.history_was_lost` says when."""
        superseded = [
            planned.article
            for planned, verdict in zip(plans, verdicts, strict=True)
            if isinstance(planned, Plan) and planned.article and _is_superseded(verdict)
        ]
        standing = self._store.accepted_at({article.article_id for article in superseded})
        for article in superseded:
            if history_was_lost(article.version, article.accepted_at, standing.get(article.article_id)):
                log.error(
                    "first revision superseded by an older article", article_id=article.article_id, url=article.url
                )

    def _commit(self) -> None:
        try:
            self._source.commit(self._uncommitted)
        except SourceUnavailable as error:
            log.warning("offsets not committed", error=str(error))
            self._servers.failed()
        else:
            if self._uncommitted:
                failpoint("index.after_commit")
            self._uncommitted = {}

    def _note_streak(self, result: Settlement) -> None:
        if result.paused != self._paused:
            log.error("dead letter limit", paused=result.paused, in_a_row=result.streak)
        self._streak, self._paused = result.streak, result.paused

    def _note_superseded(self, batch: Sequence[Record], verdicts: Sequence[Verdict], result: Settlement) -> None:
        """Say which dead letters were tried again too late; the stages before leave a trace, a sink cannot."""
        for position in result.settled:
            record = batch[position]
            if self._inputs.is_redelivered(record) and _is_superseded(verdicts[position]):
                key = (record.key or b"").decode(errors="replace")
                log.info("dead letter superseded", article_id=key, replay_of=replay_of(record.headers))


def _is_superseded(verdict: Verdict) -> bool:
    """Whether something newer stands than what the record asked for first: its article or its withdrawal."""
    return isinstance(verdict, Done) and verdict.outcomes[:1] == (Superseded(),)

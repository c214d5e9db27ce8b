"""Kafka's body of schemas.withdrawals.WithdrawalLog: the compacted topic `withdrawals`, read to its end on demand.

    ask for the end of the log ─► read up to it, if there is anything new ─► the orders

The one body for all rooms, built here because rooms do not import one another. Reads by assignment, in no group, and
commits nothing. A connection is made by the first call, and a new one after any failure: it then reads from the
beginning, because a lifted order leaves no mark once the topic is compacted. What the orders mean is decided by who
asks; they are written by forgetting.
"""

import time
from contextlib import suppress
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from schemas import kafka_topics
from schemas.codec import InvalidMessage, decode_withdrawal_order
from schemas.kafka_topics import full_name
from schemas.withdrawals import WithdrawalOrders, WithdrawalsUnavailable
from sinks.errors import SinkError, SourceUnavailable
from sinks.kafka_source import require_reachable

log = structlog.get_logger()

_REACHED_WITHIN_SECONDS: Final = 4.0
_RETRY_SECONDS: Final = 0.2
_ANSWER_MS: Final = 4_000
_POLL_MS: Final = 200
_SILENT_SECONDS: Final = 5.0
"""A reading that does not get on for so long is given up; one that does may take as long as it needs."""

_FAILURES: Final = (KafkaError, OSError, RuntimeError, SourceUnavailable, SinkError)
"""What says that Kafka does not answer; a RuntimeError comes from kafka-python when its own thread has ended."""


class KafkaWithdrawalLog:
    """One process's view of the orders. One call at a time, from any thread.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._servers = [server.strip() for server in kafka.split(",") if server.strip()]
        self._place = TopicPartition(full_name(kafka_topics.WITHDRAWALS, topic_prefix), 0)
        self._orders = WithdrawalOrders()
        self._client: KafkaNetClient | None = None
        self._consumer: Any = None

    def read_to_end(self) -> WithdrawalOrders:
        """See WithdrawalLog. The object is the same in every call until a connection is lost."""
        try:
            if self._consumer is None:
                self._connect()
            self._read()
        except _FAILURES as error:
            self.close()
            raise WithdrawalsUnavailable(f"{self._place.topic} cannot be read ({error})") from error
        return self._orders

    def close(self) -> None:
        """See WithdrawalLog; the next call connects again."""
        consumer, self._consumer = self._consumer, None
        client, self._client = self._client, None
        if consumer is not None:
            with suppress(*_FAILURES):
                consumer.close(autocommit=False, timeout_ms=_ANSWER_MS)
        if client is not None:
            with suppress(*_FAILURES):
                client.close()

    def _connect(self) -> None:
        self._orders = WithdrawalOrders()
        self._await_reachable()
        self._consumer = KafkaConsumer(
            bootstrap_servers=self._servers,
            client_id="kiosque-withdrawals",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=5_000,
            reconnect_backoff_max_ms=1_000,
            bootstrap_timeout_ms=_ANSWER_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            kafka_client=self._new_client,
        )
        self._consumer.assign([self._place])
        self._consumer.seek_to_beginning(self._place)

    def _await_reachable(self) -> None:
        """Ride out a broker that is just starting; kafka-python would do so with five lines in the log a second."""
        deadline = time.monotonic() + _REACHED_WITHIN_SECONDS
        while True:
            try:
                return require_reachable(self._servers)
            except SourceUnavailable:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

    def _new_client(self, **settings: Any) -> KafkaNetClient:
        """The part of a consumer that has the thread and the sockets.

        A consumer that does not find Kafka is never made, but its thread would run on, once for every attempt.
        """
        self._client = KafkaNetClient(**settings)
        return self._client

    def _read(self) -> None:
        end = self._consumer.end_offsets([self._place], timeout_ms=_ANSWER_MS)[self._place]
        position = self._position()
        if position > end:
            log.warning("withdrawal orders begin anew", kafka_topic=self._place.topic, read=position, end=end)
            self._orders = WithdrawalOrders()
            self._consumer.seek_to_beginning(self._place)
            position = 0
        heard = time.monotonic()
        while position < end:
            for record in self._consumer.poll(timeout_ms=_POLL_MS).get(self._place, ()):
                self._take(record)
            reached = self._position()
            if reached != position:
                position, heard = reached, time.monotonic()
            elif time.monotonic() - heard > _SILENT_SECONDS:
                raise KafkaError(f"no record between offsets {position} and {end}")

    def _position(self) -> int:
        """Where reading goes on; gaps that compaction has left are passed over."""
        position: int | None = self._consumer.position(self._place, timeout_ms=_ANSWER_MS)
        if position is None:
            raise KafkaError("the beginning of the log is not known")
        return position

    def _take(self, record: Any) -> None:
        try:
            order = None if record.value is None else decode_withdrawal_order(record.value)
            self._orders.load((record.key or b"").decode(), order)
        except (InvalidMessage, UnicodeDecodeError) as error:
            log.error("withdrawal order ignored", offset=record.offset, error=str(error))  # noqa: TRY400 - no traceback

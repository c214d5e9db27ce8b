"""Kafka's body of schemas.withdrawals.WithdrawalLog: the compacted topic `withdrawals`, read to its end on demand.

One body for all rooms, built here because rooms do not import one another. It connects at the first call and anew after
any failure; what was read stays, for the log only grows.
"""

from contextlib import suppress
from typing import Any, Final

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from schemas import kafka_topics
from schemas.codec import InvalidMessage, decode_withdrawal_order
from schemas.kafka_topics import full_name
from schemas.withdrawals import WithdrawalOrders, WithdrawalsUnavailable
from sinks.errors import SinkError, SourceUnavailable
from sinks.kafka_source import require_reachable

log = structlog.get_logger()

_ANSWER_MS: Final = 5_000
_POLL_MS: Final = 200


class KafkaWithdrawalLog:
    """One process's view of the orders. One call at a time, from any thread.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._servers = kafka.split(",")
        self._place = TopicPartition(full_name(kafka_topics.WITHDRAWALS, topic_prefix), 0)
        self._orders = WithdrawalOrders()
        self._consumer: Any = None
        self._next_offset = 0

    def read_to_end(self) -> WithdrawalOrders:
        """See WithdrawalLog."""
        try:
            consumer = self._connected()
            end = consumer.end_offsets([self._place], timeout_ms=_ANSWER_MS)[self._place]
            while self._next_offset < end:
                self._take(consumer)
        except (KafkaError, SourceUnavailable, SinkError) as error:
            self.close()
            raise WithdrawalsUnavailable(f"{self._place.topic} cannot be read: {error}") from error
        return self._orders

    def _take(self, consumer: Any) -> None:
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            for record in records:
                self._load(record.key, record.value, record.offset)
        self._next_offset = consumer.position(self._place, timeout_ms=_ANSWER_MS)

    def _load(self, key: bytes | None, value: bytes | None, offset: int) -> None:
        try:
            order = None if value is None else decode_withdrawal_order(value)
            self._orders.load((key or b"").decode(), order)
        except (InvalidMessage, UnicodeDecodeError) as error:
            log.warning("withdrawal order ignored", offset=offset, error=str(error))

    def _connected(self) -> Any:
        if self._consumer is None:
            require_reachable(self._servers)
            self._consumer = KafkaConsumer(
                bootstrap_servers=self._servers,
                client_id="kiosque-withdrawals",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                reconnect_backoff_max_ms=1_000,
                bootstrap_timeout_ms=_ANSWER_MS,
            )
            self._consumer.assign([self._place])
            self._consumer.seek(self._place, self._next_offset)
        return self._consumer

    def close(self) -> None:
        """See WithdrawalLog."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError, OSError):
                consumer.close(timeout_ms=_ANSWER_MS)

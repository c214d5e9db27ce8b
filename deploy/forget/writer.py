"""Writes orders and withdrawals; a call returns when Kafka has acknowledged all of them."""

import contextlib
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas.codec import encode
from schemas.kafka_topics import FETCHED, WITHDRAWALS, KafkaTopic, full_name
from schemas.messages import Withdrawal
from schemas.withdrawals import WithdrawalOrder, order_key

_PORTION: Final = 1_000
_ACKNOWLEDGED_WITHIN_SECONDS: Final = 60.0

_Record = tuple[bytes, bytes]


class ForgetWriter:
    """A producer; a context manager.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.

    Raises (by all methods):
        ServerAbsent: Kafka does not answer; some of the records may be there, and may be written again.
        UserError: Kafka refuses them.
    """

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._kafka = kafka
        self._prefix = topic_prefix
        self._producer: Any = None

    def __enter__(self) -> Self:
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=self._kafka.split(","),
                client_id="kiosque-forget",
                acks="all",
                linger_ms=5,
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=KAFKA_ANSWER_MS,
                max_block_ms=5000,
                request_timeout_ms=10_000,
                delivery_timeout_ms=30_000,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            raise ServerAbsent(f"no Kafka answers at {self._kafka}", "start it, or correct KIOSQUE_KAFKA") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Everything was acknowledged, or given up with an error of its own.
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=10)

    def write_orders(self, orders: Sequence[WithdrawalOrder]) -> None:
        """Put orders in force: they hold for everything that a stage handles after this call."""
        self._write(WITHDRAWALS, ((order_key(order).encode(), encode(order)) for order in orders))

    def write_withdrawals(self, withdrawals: Iterable[Withdrawal]) -> None:
        """Send withdrawals the way of their articles."""
        self._write(FETCHED, ((message.article_id.encode(), encode(message)) for message in withdrawals))

    def _write(self, topic: KafkaTopic, records: Iterable[_Record]) -> None:
        remaining = iter(records)
        name = full_name(topic, self._prefix)
        try:
            while portion := list(islice(remaining, _PORTION)):
                for sent in [self._producer.send(name, key=key, value=value) for key, value in portion]:
                    sent.get(timeout=_ACKNOWLEDGED_WITHIN_SECONDS)
        except KafkaError as error:
            raise self._refused(name, error) from error

    def _refused(self, name: str, error: KafkaError) -> UserError:
        kind = type(error).__name__
        if error.retriable:
            return ServerAbsent(
                f"Kafka at {self._kafka} did not acknowledge records on {name} ({kind})",
                "run the same command again, what was written already does no harm",
            )
        return UserError(
            f"Kafka refused records on {name} ({kind}: {error})", "check its permissions, or run `kiosque setup`"
        )

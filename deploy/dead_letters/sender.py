"""Sends letters back and writes what became of them.

    resend(letters): acknowledged ─► close(letters): acknowledged

Killed in between, a letter is still open and will be tried again: the stages are made for that.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from kafka import KafkaProducer
from kafka.errors import KafkaError

from deploy.dead_letters.letters import Letter
from deploy.dead_letters.resending import Resending
from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas.failpoints import failpoint
from schemas.headers import letter_closed_headers
from schemas.kafka_topics import DEAD, full_name
from schemas.messages import LetterClosed

_PORTION_LETTERS: Final = 100
_PORTION_BYTES: Final = 8 * 1024 * 1024
_ACKNOWLEDGED_WITHIN_SECONDS: Final = 60.0

T = TypeVar("T")


class LetterSender:
    """A producer for letters; a context manager.

    Args:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: of the installation.
        clock: for the time of closing.

    Raises (by all methods):
        ServerAbsent: Kafka does not answer; what was not closed stays open.
        UserError: Kafka refuses a record.
    """

    def __init__(self, kafka: str, topic_prefix: str, clock: Callable[[], datetime]) -> None:
        self._kafka = kafka
        self._prefix = topic_prefix
        self._clock = clock
        self._producer: Any = None

    def __enter__(self) -> Self:
        try:
            self._producer = KafkaProducer(
                bootstrap_servers=self._kafka.split(","),
                client_id="kiosque-dead",
                acks="all",
                linger_ms=5,
                reconnect_backoff_max_ms=1000,
                bootstrap_timeout_ms=KAFKA_ANSWER_MS,
                max_block_ms=5000,
                request_timeout_ms=10_000,
                delivery_timeout_ms=30_000,
                allow_auto_create_topics=False,
                # A record of the largest size, grown by its headers, must still pass: the broker counts compressed
                # bytes, the client does not (sinks.dead_letters does the same).
                compression_type="gzip",
                max_request_size=4 * 1024 * 1024,
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

    def resend(self, again: Sequence[Resending]) -> None:
        """Send letters back to where they came from; returns when Kafka has them all."""
        self._acknowledged(
            [
                self._send(one.letter, full_name(one.kafka_topic, self._prefix), one.partition, one.headers)
                for one in again
            ]
        )
        failpoint("dead.after_resend")

    def close(self, letters: Sequence[Letter], how: Literal["replayed", "dropped"]) -> None:
        """Write behind each letter what became of it; returns when Kafka has it all."""
        at = self._clock()
        self._acknowledged([self._send_closing(letter, how, at) for letter in letters])

    def _send(self, letter: Letter, topic: str, partition: int | None, headers: Any) -> tuple[Letter, Any]:
        record = letter.record
        # No client can write a record that has neither key nor value.
        key = b"" if record.key is None and record.value is None else record.key
        try:
            return letter, self._producer.send(topic, key=key, value=record.value, headers=headers, partition=partition)
        except KafkaError as error:
            raise self._refused(letter, error) from error

    def _send_closing(self, letter: Letter, how: Literal["replayed", "dropped"], at: datetime) -> tuple[Letter, Any]:
        closed = LetterClosed(partition=letter.id.partition, offset=letter.id.offset, how=how, at=at)
        topic = full_name(DEAD, self._prefix)
        headers = letter_closed_headers(closed)
        key = letter.record.key or b""
        try:
            return letter, self._producer.send(topic, key=key, headers=headers, partition=letter.id.partition)
        except KafkaError as error:
            raise self._refused(letter, error) from error

    def _acknowledged(self, sent: Iterable[tuple[Letter, Any]]) -> None:
        for letter, future in sent:
            try:
                future.get(timeout=_ACKNOWLEDGED_WITHIN_SECONDS)
            except KafkaError as error:
                raise self._refused(letter, error) from error

    def _refused(self, letter: Letter, error: KafkaError) -> UserError:
        """Letters of this portion may have arrived; they stay open and may be tried again."""
        kind = type(error).__name__
        if error.retriable:
            return ServerAbsent(
                f"Kafka at {self._kafka} did not acknowledge letter {letter.id} ({kind})",
                "run the same command again, letters that were sent already do no harm",
            )
        return UserError(
            f"Kafka refused letter {letter.id} ({kind}: {error})", "drop it, or raise max.message.bytes of the topic"
        )


def portions(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in their order, few and small enough to hold a portion at once: 100, or 8 MiB and what goes over."""
    portion: list[T] = []
    held = 0
    for item in items:
        portion.append(item)
        held += size(item)
        if len(portion) == _PORTION_LETTERS or held >= _PORTION_BYTES:
            yield portion
            portion, held = [], 0
    if portion:
        yield portion

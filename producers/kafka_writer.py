"""Records to Kafka that count as written only when the broker has acknowledged them.

    write() → size checked → own thread → kafka-python's idempotent producer → acknowledged → write() returns

A broken connection is waited out, however long. kafka-python's idempotent producer is unusable after some errors,
so it is replaced after any, and the record sent again; a record may so arrive twice, but never gets lost.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from producers.errors import RecordTooLarge
from schemas.limits import MAX_RECORD_BYTES

_log = structlog.get_logger(__name__)

MAX_IN_FLIGHT: Final = 500
"""Records handed over and not yet acknowledged; more wait, which is the backpressure."""

_RETRY_SECONDS: Final = 1.0
_LATE_SECONDS: Final = 5.0
_COMPLAIN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 5.0


class KafkaWriter:
    """An acknowledged writer for any topic.

    Args:
        bootstrap: Kafka's bootstrap servers, comma-separated.
        client_id: shown in the broker's logs.
    """

    def __init__(self, bootstrap: str, client_id: str) -> None:
        self._bootstrap = bootstrap.split(",")
        self._client_id = client_id
        self._producer: KafkaProducer | None = None
        # One thread: hand-over keeps its order, and a producer that blocks for metadata blocks nobody else.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-writer")
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._started: dict[object, float] = {}
        self._complained_at = float("-inf")

    async def write(self, topic: str, *, key: bytes, value: bytes | None, partition: int | None = None) -> None:
        """Write a record and wait until it is acknowledged, through any outage.

        Raises:
            RecordTooLarge: above schemas.limits.MAX_RECORD_BYTES; nothing was sent.
        """
        if value is not None and len(value) > MAX_RECORD_BYTES:
            raise RecordTooLarge(f"{len(value)} bytes for {topic} {key.decode(errors='replace')}")
        loop = asyncio.get_running_loop()
        token = object()
        async with self._slots:
            self._started[token] = loop.time()
            try:
                while not await self._attempt(loop, topic, key, value, partition):  # noqa: ASYNC110 no event tells
                    await asyncio.sleep(_RETRY_SECONDS)
            finally:
                del self._started[token]

    def is_late(self) -> bool:
        """Whether a record has waited longer than a healthy broker takes: Kafka is absent or overloaded."""
        now = asyncio.get_running_loop().time()
        return any(now - since > _LATE_SECONDS for since in self._started.values())

    async def close(self) -> None:
        """Give up what is not acknowledged; the outbox still has it."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._producer is not None:
            await asyncio.to_thread(_close_quietly, self._producer)

    async def _attempt(
        self, loop: asyncio.AbstractEventLoop, topic: str, key: bytes, value: bytes | None, partition: int | None
    ) -> bool:
        """Whether the record was acknowledged; False asks for another try."""
        acknowledged: asyncio.Future[None] = loop.create_future()
        producer = None
        try:
            producer = await loop.run_in_executor(
                self._thread, self._hand_over, loop, acknowledged, topic, key, value, partition
            )
            await acknowledged
        except MessageSizeTooLargeError as error:
            self._discard(producer)
            raise RecordTooLarge(f"{topic} {key.decode(errors='replace')}: {error}") from error
        except KafkaError as error:
            self._complain(topic, error, loop.time())
            self._discard(producer)
            return False
        return True

    def _complain(self, topic: str, error: KafkaError, now: float) -> None:
        """One line in ten seconds: in an outage hundreds of records fail alike."""
        if now - self._complained_at > _COMPLAIN_SECONDS:
            self._complained_at = now
            _log.warning("kafka does not acknowledge", kafka_topic=topic, error=type(error).__name__, detail=str(error))

    def _hand_over(
        self,
        loop: asyncio.AbstractEventLoop,
        acknowledged: asyncio.Future[None],
        topic: str,
        key: bytes,
        value: bytes | None,
        partition: int | None,
    ) -> KafkaProducer:
        """In the writer's thread: blocks while no broker can be reached."""
        producer = self._connected()

        def settle(error: BaseException | None) -> None:
            if not acknowledged.done():
                acknowledged.set_exception(error) if error else acknowledged.set_result(None)

        def from_producer(error: BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, error)

        future = producer.send(topic, key=key, value=value, partition=partition)
        future.add_callback(lambda _: from_producer(None))
        future.add_errback(from_producer)
        return producer

    def _connected(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = KafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                delivery_timeout_ms=600_000,
                linger_ms=20,
                max_request_size=MAX_RECORD_BYTES + 100_000,
                reconnect_backoff_max_ms=1_000,
                bootstrap_timeout_ms=5_000,
                max_block_ms=10_000,
                allow_auto_create_topics=False,
            )
        return self._producer

    def _discard(self, producer: Any) -> None:
        """Replace a producer after an error that it does not survive; others may have replaced it already."""
        if producer is not None and producer is self._producer:
            self._producer = None
            threading.Thread(target=_close_quietly, args=(producer,), daemon=True).start()


def _close_quietly(producer: KafkaProducer) -> None:
    try:
        producer.close(timeout=_CLOSE_SECONDS)
    except (KafkaError, RuntimeError, OSError):
        # Without a broker close() gives up half-way, and __del__ would flush again and print a traceback.
        producer._closed = True  # noqa: SLF001 kafka-python 3.0.12 has no other way

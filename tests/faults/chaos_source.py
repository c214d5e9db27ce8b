"""Readings and withdrawals straight to articles.fetched while faults go on, beside what the newsstand publishes.

Contents of each article go v1, v2, v1; some readings come late, again, or under a clock that was set back; some
articles are withdrawn by their publisher. What Kafka has acknowledged is written down.
"""

import random
import threading
from collections import defaultdict
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from schemas import kafka_topics
from schemas.kafka_topics import full_name
from tests.faults.feeding import Fed, fed, reading, withdrawal

ARTICLES: Final = 40
_ACKNOWLEDGED_SECONDS: Final = 20.0


class Source:
    """A thread that publishes until it is stopped.

    Args:
        kafka: bootstrap servers.
        topic_prefix: of the installation.
        seed: decides what is published; how far it gets depends on time.
        rate: readings a second.

    Attributes:
        acknowledged: every record that Kafka has taken.
    """

    def __init__(self, kafka: str, topic_prefix: str, seed: int, rate: float) -> None:
        self._kafka = kafka
        self._topic = full_name(kafka_topics.FETCHED, topic_prefix)
        self._rng = random.Random(seed)
        self._pause = 1 / rate
        self._minute = 0.0
        self._number: dict[str, int] = defaultdict(int)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-source", daemon=True)
        self.acknowledged: list[Fed] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the last reading is acknowledged."""
        self._stop.set()
        self._thread.join(180)
        assert not self._thread.is_alive(), "the source's last reading is not acknowledged"

    def _run(self) -> None:
        producer = None
        while not self._stop.is_set():
            records = self._next()
            while True:
                try:
                    producer = producer or self._producer()
                    for future in [producer.send(self._topic, key=key, value=value) for key, value in records]:
                        future.get(_ACKNOWLEDGED_SECONDS)
                except (KafkaError, OSError):
                    producer = _closed(producer)
                    self._stop.wait(0.5)
                else:
                    break
            self.acknowledged += records
            self._stop.wait(self._pause)
        _closed(producer)

    def _next(self) -> list[Fed]:
        rng = self._rng
        self._minute += 1
        name = f"chaos-{rng.randrange(ARTICLES)}"
        if rng.random() < 0.01:
            return fed(withdrawal(name))
        if rng.random() < 0.02:
            self._minute -= rng.choice((30, 5))  # the poller's clock is set back; it goes on counting changes
        if rng.random() < 0.05:
            return fed(reading(name, rng.choice("12"), self._minute - 40, self._number[name]))  # late
        self._number[name] += 1
        return fed(reading(name, rng.choice("12"), self._minute, self._number[name]))

    def _producer(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._kafka,
            acks="all",
            linger_ms=0,
            bootstrap_timeout_ms=5_000,
            max_block_ms=5_000,
            request_timeout_ms=5_000,
            delivery_timeout_ms=15_000,
            reconnect_backoff_max_ms=1_000,
        )


def _closed(producer: KafkaProducer | None) -> None:
    if producer is not None:
        try:
            producer.close(timeout=3)
        except (KafkaError, RuntimeError, OSError):
            producer._closed = True  # as in producers/kafka_writer.py: its destructor would flush again

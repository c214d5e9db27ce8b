"""Our own services as processes, for tests on the real servers: started as users start them, killed as fate does."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from deploy.kafka_setup import ensure_topics
from deploy.lag import StageLag, stage_lags
from deploy.settings import FAILPOINT_ENV
from deploy.stack.local_stack import LocalStack
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name


class LogRecord(NamedTuple):
    """A record as a topic has it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Installation:
    """Topics and indices of one test's own on the shared servers."""

    stack: LocalStack
    folder: Path
    prefix: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:8]}.")
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def index_prefix(self) -> str:
        return self.prefix.rstrip(".")

    def environment(self) -> dict[str, str]:
        ours = {
            "KIOSQUE_KAFKA": self.stack.kafka,
            "KIOSQUE_ELASTICSEARCH": self.stack.elasticsearch,
            "KIOSQUE_TOPIC_PREFIX": self.prefix,
            "KIOSQUE_INDEX_PREFIX": self.index_prefix,
            "KIOSQUE_REFRESH_INTERVAL_SECONDS": "0.5",
        }
        return os.environ | ours | self.settings

    def make_topics(self) -> None:
        ensure_topics(self.stack.kafka, self.prefix)

    def delete_topics(self) -> None:
        """For those who make many installations on one broker."""
        admin = KafkaAdminClient(bootstrap_servers=self.stack.kafka)
        admin.delete_topics([full_name(topic, self.prefix) for topic in kafka_topics.ALL])
        admin.close()

    def start(
        self,
        service: str,
        *arguments: str,
        log: str | None = None,
        failpoint: str = "",
        without: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a service; with a failpoint armed, or without one of its protections (tests/faults/service.py)."""
        program = ["tests.faults.service", "--without", without] if without else ["deploy.cli"]
        command = [sys.executable, "-m", *program, service, *arguments]
        environment = self.environment() | {FAILPOINT_ENV: failpoint} | dict(settings or {})
        with (self.folder / f"{log or service}.log").open("ab") as output:
            return subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)

    @contextmanager
    def running(self, *services: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        processes = {service: self.start(service) for service in services}
        try:
            yield processes
        finally:
            for process in processes.values():
                end(process)

    def produce(self, topic: KafkaTopic, records: list[tuple[bytes | None, bytes | None]]) -> None:
        self.produce_records(topic, [LogRecord(0, 0, key, value) for key, value in records])

    def produce_records(self, topic: KafkaTopic, records: Sequence[LogRecord]) -> None:
        """Write records with their headers; each goes to the partition of its key."""
        producer = KafkaProducer(bootstrap_servers=self.stack.kafka, linger_ms=5, max_request_size=4 << 20)
        sent = [
            producer.send(full_name(topic, self.prefix), key=r.key, value=r.value, headers=list(r.headers))
            for r in records
        ]
        for future in sent:
            future.get(30)
        producer.close()

    def records(self, topic: KafkaTopic) -> list[LogRecord]:
        """All committed records, those of one partition in their order."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.stack.kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        places = [TopicPartition(full_name(topic, self.prefix), number) for number in range(topic.partitions)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        found = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=200).values():
                found += [LogRecord(r.partition, r.offset, r.key, r.value, tuple(r.headers or ())) for r in records]
        consumer.close()
        return found

    def lag(self, stage: str) -> StageLag:
        return next(lag for lag in stage_lags(self.stack.kafka, self.prefix) if lag.stage == stage)


def end(process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> int:
    """End a service and everything it started; returns its exit code."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(40)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Poll until the condition holds; the limit is for hangs, no test asserts a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.2)


def logs(installation: Installation, names: Mapping[str, object] | list[str]) -> str:
    return "\n".join((installation.folder / f"{name}.log").read_text(errors="replace")[-4000:] for name in names)

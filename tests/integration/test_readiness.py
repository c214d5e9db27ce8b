"""`/health/ready` means it: 503 while Kafka is away, 200 when the stage works again; `/health/live` stays 200."""

import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.errors import KafkaError

from deploy.errors import ServerAbsent
from deploy.stack.local_stack import LocalStack
from deploy.stack.ports import random_ports
from deploy.stack.supervisor import Child, Supervisor
from schemas import kafka_topics
from schemas.codec import encode
from tests.articles import enriched, fetched
from tests.servers import new_data_dir
from tests.services import Installation, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STAGES = ("dedupe", "index")


def status(port: int, probe: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/{probe}", timeout=5) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def answers(installation: Installation) -> bool:
    try:
        return installation.lag("dedupe") is not None
    except (ServerAbsent, KafkaError):
        return False


@contextmanager
def supervised(installation: Installation, ports: dict[str, int]) -> Iterator[Supervisor]:
    """The services as `kiosque up` runs them: one that ends itself is started again."""
    supervisor = Supervisor(on_event=lambda _line: None)
    try:
        for stage, port in ports.items():
            supervisor.start(
                Child(
                    name=stage,
                    argv=[sys.executable, "-m", "deploy.cli", stage],
                    env=installation.environment() | {"KIOSQUE_MONITORING_PORT": str(port)},
                    log_file=installation.folder / f"{stage}.log",
                )
            )
        yield supervisor
    finally:
        supervisor.stop_all()


def test_unready_while_kafka_is_away_and_flowing_when_it_is_back(stack: LocalStack, tmp_path: Path):
    with new_data_dir() as data_dir, LocalStack(data_dir, with_elasticsearch=False, kafka_heap="256m") as own:
        installation = Installation(own, tmp_path)
        installation.settings["KIOSQUE_ELASTICSEARCH"] = stack.elasticsearch
        installation.make_topics()
        ports = dict(zip(STAGES, random_ports(), strict=False))
        with supervised(installation, ports):
            for stage, port in ports.items():
                wait_until(lambda: status(port, "ready") == 200, f"{stage} is ready")  # noqa: B023
            broker = own.states()["kafka"].pid
            os.killpg(broker, signal.SIGSTOP)
            for stage, port in ports.items():
                wait_until(lambda: status(port, "ready") != 200, f"{stage} notices")  # noqa: B023
                assert status(port, "live") in {200, 0}, "alive, or just being started again"
            os.killpg(broker, signal.SIGKILL)
            wait_until(lambda: answers(installation), "Kafka is back")
            first, indexed = fetched("one"), enriched("two")
            installation.produce(kafka_topics.FETCHED, [(first.article_id.encode(), encode(first))])
            installation.produce(kafka_topics.ENRICHED, [(indexed.article_id.encode(), encode(indexed))])
            for stage, port in ports.items():
                wait_until(lambda: status(port, "ready") == 200, f"{stage} is ready again")  # noqa: B023
                wait_until(lambda: installation.lag(stage).taken > 0, f"{stage} works again")  # noqa: B023
        assert len(installation.records(kafka_topics.UNIQUE)) == 1

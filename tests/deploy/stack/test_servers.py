"""The real servers: killed one by one, orphaned, started again on the same data."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from deploy.errors import StackError
from deploy.stack.elasticsearch import ElasticsearchServer
from deploy.stack.kafka import KafkaServer
from deploy.stack.local_stack import LocalStack
from tests.servers import new_data_dir

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[3]
DOCUMENT = {"title": "L’été à Saint-Denis"}


class Addresses:
    """Where the servers of a stack are.

    Attributes:
        kafka: host and port.
        elasticsearch: a URL.
    """

    def __init__(self, kafka: str, elasticsearch: str) -> None:
        self.kafka = kafka
        self.elasticsearch = elasticsearch


def request(url: str, method: str = "GET", body: object = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def write(servers: Addresses) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers.kafka)
    admin.create_topics([NewTopic("kept", 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=servers.kafka)
    producer.send("kept", b"a message" + bytes(1_000_000), partition=0).get(30)
    producer.close()
    request(f"{servers.elasticsearch}/kept/_doc/1?refresh=true", "PUT", DOCUMENT)


def read(servers: Addresses) -> tuple[bytes, object]:
    consumer = KafkaConsumer(bootstrap_servers=servers.kafka, auto_offset_reset="earliest")
    consumer.assign([TopicPartition("kept", 0)])
    record = next(consumer)
    consumer.close()
    found = request(f"{servers.elasticsearch}/kept/_doc/1")
    return record.value[:9], found["_source"]


def processes_of(data_dir: Path) -> list[int]:
    """Every living process whose command line names the data directory."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = [int(line.split()[0]) for line in listed.splitlines() if str(data_dir) in line]
    return [pid for pid in found if pid != os.getpid()]


def wait_until_ready(stack: LocalStack, restarts: dict[str, int]) -> None:
    deadline = time.monotonic() + 120
    while {name: state.restarts for name, state in stack.states().items()} != restarts or not both_answer(stack):
        assert time.monotonic() < deadline, stack.states()
        time.sleep(0.3)


def both_answer(stack: LocalStack) -> bool:
    kafka = KafkaServer(Path(), Path(), Path(), int(stack.kafka.split(":")[1]), 0)
    search = ElasticsearchServer(Path(), Path(), Path(), int(stack.elasticsearch.rsplit(":", 1)[1]))
    return kafka.is_ready() and search.is_ready()


@contextmanager
def stack_of_another_process(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], Addresses]]:
    command = [sys.executable, "-m", "deploy.stack.run", str(data_dir)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        lines = dict(owner.stdout.readline().split() for _ in range(2))
        try:
            yield owner, Addresses(lines["kafka"], lines["elasticsearch"])
        finally:
            owner.kill()


def test_both_servers_answer(stack: LocalStack) -> None:
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    brokers = admin.describe_cluster()["brokers"]
    admin.close()
    assert [(one["host"], str(one["port"])) for one in brokers] == [tuple(stack.kafka.split(":"))]
    assert request(stack.elasticsearch)["version"]["number"] == "8.19.13"  # type: ignore[index]


def test_french_analysis_is_there(stack: LocalStack) -> None:
    answer = request(f"{stack.elasticsearch}/_analyze", "POST", {"analyzer": "french", "text": "l'émissaire américain"})
    assert [token["token"] for token in answer["tokens"]] == ["emisair", "americain"]  # type: ignore[attr-defined]


@pytest.mark.timeout(400)
def test_every_killed_process_is_started_again() -> None:
    events: list[str] = []
    with new_data_dir() as data_dir, LocalStack(data_dir, report=events.append) as stack:
        write(Addresses(stack.kafka, stack.elasticsearch))
        launcher = stack.states()["elasticsearch"].pid
        (server,) = [pid for pid in processes_of(data_dir) if parent_of(pid) == launcher]
        os.kill(server, signal.SIGKILL)
        os.kill(stack.states()["kafka"].pid or 0, signal.SIGKILL)
        wait_until_ready(stack, {"elasticsearch": 1, "kafka": 1})
        os.kill(stack.states()["elasticsearch"].pid or 0, signal.SIGKILL)
        wait_until_ready(stack, {"elasticsearch": 2, "kafka": 1})
        assert read(Addresses(stack.kafka, stack.elasticsearch)) == (b"a message", DOCUMENT)
        killed = [event.split(",")[0] for event in events if "killed" in event or "exited" in event]
        assert sorted(killed) == [
            "elasticsearch exited with 137",
            "elasticsearch was killed by SIGKILL (137)",
            "kafka was killed by SIGKILL (137)",
        ]


def parent_of(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout)


@pytest.mark.timeout(400)
def test_death_of_the_owner_leaves_no_process_and_no_harm() -> None:
    with new_data_dir() as data_dir:
        with stack_of_another_process(data_dir) as (owner, servers):
            write(servers)
            with pytest.raises(StackError, match=rf"runs on {data_dir} already \(process {owner.pid}\)"):
                LocalStack(data_dir).start()
            assert len(processes_of(data_dir)) == 4  # the owner, the broker, the launcher, the server
            owner.kill()
            owner.wait()
            deadline = time.monotonic() + 15
            while processes_of(data_dir):
                assert time.monotonic() < deadline, processes_of(data_dir)
                time.sleep(0.1)
        with stack_of_another_process(data_dir) as (owner, again):
            assert (again.kafka, again.elasticsearch) == (servers.kafka, servers.elasticsearch)
            assert read(again) == (b"a message", DOCUMENT)
            owner.terminate()
            assert owner.wait(60) == 0
        assert processes_of(data_dir) == []

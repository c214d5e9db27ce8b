import base64
import socket
import threading
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.stack.kafka import KafkaServer, new_cluster_id, properties_text
from deploy.stack.supervisor import Child

DATA = Path("/data/kafka/data")


def server(run_folder: Path, port: int = 9092) -> KafkaServer:
    return KafkaServer(Path("/jars"), Path("/jdk"), run_folder, port, 9093)


def test_everything_listens_on_loopback_only() -> None:
    lines = dict(line.split("=", 1) for line in properties_text(9092, 9093, DATA).splitlines())
    assert lines["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert lines["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert lines["controller.quorum.voters"] == "1@127.0.0.1:9093"


def test_one_node_needs_no_replicas_and_makes_no_topics_by_itself() -> None:
    lines = dict(line.split("=", 1) for line in properties_text(9092, 9093, DATA).splitlines())
    replicas = {name: value for name, value in lines.items() if "replication.factor" in name or "min." in name}
    assert {value for name, value in replicas.items() if not name.startswith("group.")} == {"1"}
    assert lines["auto.create.topics.enable"] == "false"
    assert int(lines["message.max.bytes"]) >= 1_000_000
    assert lines["log.dirs"] == str(DATA)


def test_child_is_the_broker() -> None:
    run_folder = Path("/data/kafka")
    assert server(run_folder).child(Path("/data/logs/kafka.out")) == Child(
        name="kafka",
        argv=[
            "/jdk/bin/java",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-Dlog4j2.configurationFile=/data/kafka/log4j2.xml",
            "-cp",
            "/jars/*",
            "kafka.Kafka",
            "/data/kafka/server.properties",
        ],
        log_file=Path("/data/logs/kafka.out"),
        cwd=run_folder,
    )


def test_cluster_ids_are_kafka_uuids() -> None:
    ids = {new_cluster_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(base64.urlsafe_b64decode(one + "==")) == 16 and not one.startswith("-") for one in ids)


def test_formatting_that_fails_is_one_sentence(tmp_path: Path) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho first >&2\necho 'no such class' >&2\nexit 1\n")
    java.chmod(0o755)
    broken = KafkaServer(tmp_path, tmp_path / "jdk", tmp_path / "kafka", 9092, 9093)
    with pytest.raises(StackError, match=r"could not be formatted \(no such class\)"):
        broken.prepare()


def test_an_open_port_alone_is_not_readiness(tmp_path: Path) -> None:
    """Something listens and hangs up: no broker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopping = threading.Event()

        def hang_up() -> None:
            while not stopping.is_set():
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = listener.getsockname()[1]
        ready = server(tmp_path, port).is_ready()
        stopping.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
    assert not ready


def test_a_closed_port_is_not_readiness(tmp_path: Path) -> None:
    assert not server(tmp_path, 9).is_ready()

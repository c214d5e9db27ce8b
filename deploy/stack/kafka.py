"""One Apache Kafka broker that is its own controller (KRaft), on loopback, for one data directory.

    properties, format command, start command (pure) ─► files written, storage formatted once ─► Child ─► ready?

RUN_FOLDER/ server.properties, log4j2.xml: written anew at each start; data/: the broker's; logs/: kafka.log, rotated.
Starting, restarting and stopping it is the supervisor's job.
"""

import contextlib
import secrets
import socket
import struct
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError
from deploy.stack.locks import server_lets_go
from deploy.stack.supervisor import Child

NAME = "kafka"
MAX_RECORD_BYTES = 2 << 20
"""Twice what we send (<= 700 kB a record): the limit counts whole batches, headers included."""
FORMAT_TIMEOUT_SECONDS = 120
RELEASE_TIMEOUT_SECONDS = 20
PROBE_TIMEOUT_SECONDS = 3.0

# One node, so nothing is replicated; a laptop, so few threads and small buffers. `setup` makes the topics.
# broker.session.timeout.ms: after a kill -9 the port opens again when the old session has ended; at 3000 a busy
# controller was seen to time out its own broker, the default 9000 makes a restart 13 s long.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
min.insync.replicas=1
message.max.bytes={max_record_bytes}
replica.fetch.max.bytes={max_record_bytes}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
background.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.retention.hours=168
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
offsets.retention.minutes=43200
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
"""

LOG4J2 = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN" shutdownHook="disable">
  <Appenders>
    <RollingFile name="file" fileName="{logs}/kafka.log" filePattern="{logs}/kafka.log.%i">
      <PatternLayout pattern="%d %p %c{{1}} %m%n"/>
      <SizeBasedTriggeringPolicy size="10 MB"/>
      <DefaultRolloverStrategy max="3"/>
    </RollingFile>
  </Appenders>
  <Loggers>
    <Root level="WARN"><AppenderRef ref="file"/></Root>
    <Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
  </Loggers>
</Configuration>
"""


def properties_text(port: int, controller_port: int, data: Path) -> str:
    """The broker's server.properties.

    Args:
        port: where clients connect.
        controller_port: where the broker talks to itself as a controller; nobody else does.
        data: the broker's log directory.
    """
    return PROPERTIES.format(port=port, controller_port=controller_port, data=data, max_record_bytes=MAX_RECORD_BYTES)


def new_cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes in base64 without padding, not starting with a dash."""
    while (text := urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")).startswith("-"):
        pass
    return text


@dataclass(frozen=True)
class KafkaServer:
    """The broker of one data directory.

    Attributes:
        jars: folder with the broker's jars.
        java_home: home of the Java that runs it.
        run_folder: the broker's own part of the data directory.
        port: for clients.
        controller_port: for itself.
        heap: the JVM's -Xmx.
    """

    jars: Path
    java_home: Path
    run_folder: Path
    port: int
    controller_port: int
    heap: str = "512m"

    @property
    def address(self) -> str:
        """For `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """The broker's own log."""
        return self.run_folder / "logs" / "kafka.log"

    def prepare(self) -> None:
        """Write the configuration, and format the storage if that was never finished.

        Raises:
            StackError: another broker runs on this data, or formatting failed.
            OSError: the files could not be written.
        """
        data = self.run_folder / "data"
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(properties_text(self.port, self.controller_port, data), encoding="utf-8")
        self._log4j2_file.write_text(LOG4J2.format(logs=self.log_file.parent), encoding="utf-8")
        if not server_lets_go(data / ".lock", RELEASE_TIMEOUT_SECONDS):
            raise StackError(f"another Kafka runs on {data}", "stop it, or choose another data directory")
        if not (data / "meta.properties").exists():
            self._format()

    def child(self, output: Path) -> Child:
        """The broker as a child for a supervisor; what it prints goes to `output`."""
        return Child(NAME, self.start_command(), output, cwd=self.run_folder)

    def start_command(self) -> list[str]:
        """The command line of the broker."""
        return [*self._java(self.heap, "-XX:+UseSerialGC"), "kafka.Kafka", str(self._properties_file)]

    def format_command(self, cluster_id: str) -> list[str]:
        """The command line that prepares empty storage."""
        java = self._java("128m", "-XX:TieredStopAtLevel=1")
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
        return [*java, *tool, "-t", cluster_id, "-c", str(self._properties_file)]

    def is_ready(self) -> bool:
        """Whether the broker answers Kafka's protocol and counts itself among the living brokers."""
        with contextlib.suppress(OSError, struct.error):
            return live_brokers("127.0.0.1", self.port) > 0
        return False

    @property
    def _properties_file(self) -> Path:
        return self.run_folder / "server.properties"

    @property
    def _log4j2_file(self) -> Path:
        return self.run_folder / "log4j2.xml"

    def _java(self, heap: str, *options: str) -> list[str]:
        log4j2 = f"-Dlog4j2.configurationFile={self._log4j2_file}"
        return [str(self.java_home / "bin" / "java"), f"-Xmx{heap}", *options, log4j2, "-cp", f"{self.jars}/*"]

    def _format(self) -> None:
        command = self.format_command(new_cluster_id())
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired as problem:
            raise StackError(
                "Kafka's storage was not formatted in time", "try again on a less busy machine"
            ) from problem
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise StackError(
                f"Kafka's storage in {self.run_folder} could not be formatted ({last})", "see its log4j2.xml"
            )


def live_brokers(host: str, port: int) -> int:
    """How many brokers a broker knows to be alive: a Metadata request (key 3, version 1) about no topic.

    Written by hand because a client library keeps trying for seconds and leaves sockets behind, where a probe shall
    give its answer at once.

    Raises:
        OSError: nobody answers.
        struct.error: somebody answers, but no broker.
    """
    client_id = b"kiosque-probe"
    body = struct.pack(f">hhih{len(client_id)}si", 3, 1, 0, len(client_id), client_id, 0)
    with socket.create_connection((host, port), timeout=PROBE_TIMEOUT_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        with connection.makefile("rb") as answer:
            _size, _correlation_id, brokers = struct.unpack(">iii", answer.read(12))
    return int(brokers)

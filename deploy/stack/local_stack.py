"""The local stack: fetch the servers, start them on one data directory, wait until they answer, stop them.

    lock the data directory ─► fetch ─► Java ─► ports ─► prepare ─► supervisor.start ─► wait until ready ─► addresses

DATA_DIR/
    stack.lock        held while a stack runs here; says which process
    ports.json        the ports of the last run, taken again if they are free
    logs/             what the servers print: kafka.out, elasticsearch.out (rotated at each start)
    kafka/            server.properties, log4j2.xml, data/, logs/kafka.log
    elasticsearch/    config/, data/, logs/elasticsearch.log, snapshots/, tmp/

Deleting DATA_DIR deletes everything that was indexed and every message; deleting the cache only costs a download.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from rich.console import Console

from deploy.errors import StackError
from deploy.stack import elasticsearch, kafka, pins
from deploy.stack.cache import cache_dir as default_cache_dir
from deploy.stack.elasticsearch import ElasticsearchServer
from deploy.stack.fetch import fetch_servers
from deploy.stack.java import MINIMUM_VERSION, find_java
from deploy.stack.kafka import KafkaServer
from deploy.stack.locks import open_lock_file, taken
from deploy.stack.ports import chosen_ports, is_free, random_ports, remember_ports, remembered_ports
from deploy.stack.supervisor import Child, ChildState, Supervisor

READY_TIMEOUT_SECONDS = 180.0
"""A busy two-core machine was seen to need 117 s for Elasticsearch."""
READY_POLL_SECONDS = 0.2
MAX_RESTARTS_BEFORE_READY = 3
LOG_TAIL_LINES = 3


class Server(Protocol):
    """What the stack needs to know of a server."""

    @property
    def address(self) -> str:
        """For clients."""
        ...

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        ...

    def prepare(self) -> None:
        """Make everything ready for a start."""
        ...

    def child(self, output: Path) -> Child:
        """The server as a child for a supervisor."""
        ...

    def is_ready(self) -> bool:
        """Whether it answers."""
        ...


class LocalStack:
    """A Kafka and an Elasticsearch on one data directory. A context manager: it starts on entry and stops on exit.

    Args:
        data_dir: where they keep everything; made if missing.
        cache_dir: where the servers' files are or go; None for the user's cache.
        java: the Java to use (home or program); None to look for one.
        elasticsearch_home: the folder of another server (an unpacked official archive); None for the fetched one.
        kafka_port: None for the one of last time, or a free one.
        elasticsearch_port: likewise.
        kafka_heap: the JVM's -Xmx.
        elasticsearch_heap: the JVM's -Xms and -Xmx.
        with_kafka: False leaves Kafka out.
        with_elasticsearch: False leaves Elasticsearch out.
        report: gets a line for each step and each crash; called from several threads.
        supervisor: keeps the servers running; None for one of its own.
        console: where a progress bar may be drawn; None for standard error.
        clock: monotonic seconds.

    Attributes:
        kafka: "127.0.0.1:PORT" once started.
        elasticsearch: "http://127.0.0.1:PORT" once started.
        supervisor: runs the servers, and may run more; the servers are named "kafka" and "elasticsearch".
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        cache_dir: Path | None = None,
        java: Path | None = None,
        elasticsearch_home: Path | None = None,
        kafka_port: int | None = None,
        elasticsearch_port: int | None = None,
        kafka_heap: str = "512m",
        elasticsearch_heap: str = "512m",
        with_kafka: bool = True,
        with_elasticsearch: bool = True,
        report: Callable[[str], None] = lambda line: None,
        supervisor: Supervisor | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._cache_dir = cache_dir or default_cache_dir()
        self._java = java
        self._elasticsearch_home = elasticsearch_home
        self._given_ports = {
            **({kafka.NAME: kafka_port, "kafka_controller": None} if with_kafka else {}),
            **({elasticsearch.NAME: elasticsearch_port} if with_elasticsearch else {}),
        }
        self._kafka_heap = kafka_heap
        self._elasticsearch_heap = elasticsearch_heap
        self._with_kafka = with_kafka
        self._with_elasticsearch = with_elasticsearch
        self._report = report
        self._console = console or Console(stderr=True)
        self._clock = clock
        self._cleanup = ExitStack()
        self.supervisor = supervisor or Supervisor(report)
        self.kafka = ""
        self.elasticsearch = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Fetch what is missing, start the servers and wait until both answer. Stops them again if that fails.

        Raises:
            StackError: whatever stands in the way, with the next step.
        """
        try:
            self._lock_data_dir()
            self._fetch()
            servers = self._servers()
            for name, server in servers.items():
                self._start_server(name, server)
            self._wait_until_ready(servers)
        except OSError as problem:
            self.stop()
            raise StackError(
                f"the local stack could not use {problem.filename or self._data_dir} ({problem.strerror or problem})",
                "make it readable and writable, or choose another data directory",
            ) from problem
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the servers and free the data directory. Idempotent. Stop what uses the servers before."""
        self._cleanup.close()

    def states(self) -> dict[str, ChildState]:
        """What each child of the supervisor is doing, with its pid."""
        return self.supervisor.states()

    def _lock_data_dir(self) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # Elasticsearch, running as somebody else, must get through to its own part
            self._data_dir.chmod(self._data_dir.stat().st_mode | 0o011)
        self._cleanup.enter_context(locked_data_dir(self._data_dir))

    def _fetch(self) -> None:
        own_home = self._elasticsearch_home
        if own_home is not None and not elasticsearch.is_server_home(own_home):
            raise StackError(
                f"{own_home} is not the folder of an Elasticsearch", "name the folder that has lib/ and modules/ in it"
            )
        fetched = self._with_elasticsearch and own_home is None
        fetch_servers(self._cache_dir, self._report, self._console, kafka=self._with_kafka, elasticsearch=fetched)

    def _servers(self) -> dict[str, Server]:
        home = (self._elasticsearch_home or pins.elasticsearch_folder(self._cache_dir)).absolute()
        minimum = elasticsearch.minimum_java(home) if self._with_elasticsearch else MINIMUM_VERSION
        java_home = find_java(self._java, self._cache_dir / "jdk", self._report, minimum=minimum)
        ports_file = self._data_dir / "ports.json"
        ports = chosen_ports(self._given_ports, remembered_ports(ports_file), is_free, random_ports())
        remember_ports(ports_file, ports)
        servers: dict[str, Server] = {}
        if self._with_elasticsearch:  # first: it takes longest
            servers[elasticsearch.NAME] = ElasticsearchServer(
                home=home,
                java_home=java_home,
                run_folder=self._data_dir / "elasticsearch",
                port=ports[elasticsearch.NAME],
                heap=self._elasticsearch_heap,
                as_root=os.geteuid() == 0,
            )
            self.elasticsearch = servers[elasticsearch.NAME].address
        if self._with_kafka:
            servers[kafka.NAME] = KafkaServer(
                jars=pins.kafka_folder(self._cache_dir),
                java_home=java_home,
                run_folder=self._data_dir / "kafka",
                port=ports[kafka.NAME],
                controller_port=ports["kafka_controller"],
                heap=self._kafka_heap,
            )
            self.kafka = servers[kafka.NAME].address
        return servers

    def _start_server(self, name: str, server: Server) -> None:
        server.prepare()
        self._report(f"Starting {name} at {server.address}")
        self._cleanup.callback(self.supervisor.stop, name)
        self.supervisor.start(server.child(self._output(name)))

    def _output(self, name: str) -> Path:
        return self._data_dir / "logs" / f"{name}.out"

    def _wait_until_ready(self, servers: dict[str, Server]) -> None:
        began = self._clock()
        waiting = dict(servers)
        while waiting:
            for name, server in list(waiting.items()):
                if server.is_ready():
                    self._report(f"{name} is ready after {self._clock() - began:.0f} s")
                    del waiting[name]
                elif self.states()[name].restarts >= MAX_RESTARTS_BEFORE_READY:
                    raise self._not_started(name, server, "keeps ending before it is ready")
                elif self._clock() - began > READY_TIMEOUT_SECONDS:
                    raise self._not_started(name, server, f"is not ready after {READY_TIMEOUT_SECONDS:.0f} s")
            time.sleep(READY_POLL_SECONDS)

    def _not_started(self, name: str, server: Server, what: str) -> StackError:
        tail = log_tail(self._output(name)) or log_tail(server.log_file)
        said = f"; it last said: {tail}" if tail else ""
        return StackError(f"{name} {what}{said}", f"read {server.log_file} and {self._output(name)}")


def locked_data_dir(data_dir: Path) -> IO[str]:
    """Hold the data directory's lock until the returned file is closed.

    Raises:
        StackError: a stack runs on it.
    """
    handle = open_lock_file(data_dir / "stack.lock")
    if not taken(handle):
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise StackError(
            f"a local stack runs on {data_dir} already (process {holder})",
            "use that one, stop it, or choose another data directory",
        )
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    return handle


def log_tail(file: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log in one line; empty if there is none."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())

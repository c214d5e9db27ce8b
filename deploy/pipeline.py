"""The whole system on one machine: local servers, topics, the newsstand if wanted, and our services, supervised.

    LocalStack ─► topics ─► newsstand ─► poll, dedupe, enrich, reenrich, cluster, index

Each service is the same process that a cluster would run, started as `kiosque NAME` with its settings in the
environment; nothing is shared in memory. On the way down the producers stop first and the servers last.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.clock import utc_now
from deploy.errors import UserError
from deploy.newsstand import feeds_catalogue, hosts, load_stand
from deploy.server_setup import prepare_servers
from deploy.settings import Settings, as_environment
from deploy.stack.local_stack import LocalStack
from deploy.stack.memory import resident_bytes
from deploy.stack.supervisor import Child, ChildState, Supervisor

SERVICES: Final = ("poll", "dedupe", "enrich", "reenrich", "cluster", "index")
STOP_ORDER: Final = ("poll", "newsstand", "dedupe", "enrich", "reenrich", "cluster", "index")
NEWSSTAND_PORT_FILE: Final = "newsstand.json"
LOCAL_REFRESH_SECONDS: Final = 1.0
NEWSSTAND_INTERVAL_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running pipeline are."""

    kafka: str
    elasticsearch: str
    newsstand: str | None
    logs: Path


class Pipeline:
    """A running system on one data directory; a context manager.

    Args:
        settings: of the local stack and of the services.
        with_newsstand: read the newsstand instead of the settings' feeds.
        report: gets one line for each step and each crash.

    Attributes:
        settings: with the addresses of the local servers, once entered.
        addresses: where everything is, once entered.

    Raises (on entering):
        UserError: whatever stands in the way, with the next step.
    """

    def __init__(self, settings: Settings, *, with_newsstand: bool, report: Callable[[str], None]) -> None:
        self.settings = settings
        self._with_newsstand = with_newsstand
        self._report = report
        self._data_dir = settings.data_dir.absolute()
        self._supervisor = Supervisor(report)
        self._cleanup = ExitStack()
        self.addresses: Addresses

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._cleanup.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def states(self) -> dict[str, ChildState]:
        """What each process is doing."""
        return self._supervisor.states()

    def resident_bytes(self) -> int | None:
        """Memory of all servers and services now; None where it cannot be told."""
        return resident_bytes({state.pid for state in self.states().values() if state.pid is not None})

    def _start(self) -> None:
        settings = self.settings
        stack = LocalStack(
            self._data_dir,
            java=settings.java,
            elasticsearch_home=settings.elasticsearch_home,
            kafka_port=settings.kafka_port,
            elasticsearch_port=settings.elasticsearch_port,
            report=self._report,
            supervisor=self._supervisor,
        )
        self._cleanup.enter_context(stack)
        overrides: dict[str, object] = {
            "kafka": stack.kafka,
            "elasticsearch": stack.elasticsearch,
            "refresh_interval_seconds": LOCAL_REFRESH_SECONDS,
        }
        self.settings = settings.model_copy(update=overrides)
        prepare_servers(self.settings)
        self._cleanup.callback(self._stop_services)
        newsstand = None
        if self._with_newsstand:
            port = self._newsstand_port()
            newsstand = f"http://127.0.0.1:{port}/"
            overrides |= self._open_newsstand(port)
        self.addresses = Addresses(stack.kafka, stack.elasticsearch, newsstand, self._data_dir / "logs")
        environment = os.environ | as_environment(_explicit(settings) | overrides)
        for name in SERVICES:
            self._supervisor.start(self._child(name, environment))

    def _open_newsstand(self, port: int) -> Mapping[str, object]:
        """Start the newsstand; returns the settings with which the poller finds it."""
        stand = load_stand(utc_now())
        feeds_file = self._data_dir / "newsstand-feeds.toml"
        feeds_file.write_text(feeds_catalogue(stand), encoding="utf-8")
        state = self._data_dir / "newsstand-state.json"
        self._supervisor.start(self._child("newsstand", os.environ, "--port", str(port), "--state-file", str(state)))
        return {
            "feeds_file": str(feeds_file),
            "connect_to": dict.fromkeys(hosts(stand), f"127.0.0.1:{port}"),
            "min_interval_seconds": NEWSSTAND_INTERVAL_SECONDS,
            "host_delay_seconds": 0.0,
        }

    def _newsstand_port(self) -> int:
        """A free port, the same as last time if it is still free: the links in the front page keep working."""
        file = self._data_dir / NEWSSTAND_PORT_FILE
        wanted = int(json.loads(file.read_text())["port"]) if file.exists() else 0
        for port in (wanted, 0):
            try:
                with socket.create_server(("127.0.0.1", port)) as probe:
                    chosen = int(probe.getsockname()[1])
            except OSError:
                continue
            file.write_text(json.dumps({"port": chosen}))
            return chosen
        raise UserError("this machine has no free port on 127.0.0.1", "end something that listens there")

    def _child(self, name: str, environment: Mapping[str, str], *options: str) -> Child:
        return Child(
            name=name,
            argv=[sys.executable, "-m", "deploy.cli", name, *options],
            env=environment,
            log_file=self._data_dir / "logs" / f"{name}.log",
            stop_seconds=30.0,
        )

    def _stop_services(self) -> None:
        for name in STOP_ORDER:
            if name in self._supervisor.states():
                self._supervisor.stop(name)


def _explicit(settings: Settings) -> dict[str, object]:
    """The settings that were given; secrets stay in the environment or file that the services read themselves."""
    given = settings.model_dump(mode="json", include=settings.model_fields_set)
    return {name: value for name, value in given.items() if not name.endswith(("password", "api_key"))}

"""One Elasticsearch node on loopback, for one data directory, from the server's bare folder or an official archive.

    settings, jvm options, command, environment (pure) ─► files written, owner set ─► Child ─► ready?

RUN_FOLDER/ config/: written anew at each start; data/, logs/ (rotated), tmp/, snapshots/ (a place that the snapshot
API may write to): the server's. The server refuses to run as root: for root it runs as the user nobody, who then owns
the run folder. Starting, restarting and stopping it is the supervisor's job.

The launching JVM starts the server as its own child. If the launcher is killed, the server ends within some 3 seconds.
"""

import contextlib
import http.client
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError
from deploy.stack.cache import first_closed_folder
from deploy.stack.locks import server_lets_go
from deploy.stack.supervisor import Child

NAME = "elasticsearch"
UNPRIVILEGED_UID = 65534
RELEASE_TIMEOUT_SECONDS = 30
PROBE_TIMEOUT_SECONDS = 3
HEALTHY_PATH = "/_cluster/health?wait_for_status=yellow&timeout=1s"
LAUNCHER_OPTIONS = ("-Xms4m", "-Xmx64m", "-XX:+UseSerialGC")

# Settings of modules that a trimmed server lacks (ingest.geoip.*, xpack.monitoring.*) are unknown to it and would stop
# the boot: only settings of the core and of security. The disk watermarks would make a laptop with a full disk
# read-only. transport.port 0: the node has nobody to talk to, any free port will do.
SETTINGS = """\
cluster.name: kiosque
node.name: kiosque
discovery.type: single-node
network.host: 127.0.0.1
http.port: {port}
transport.port: 0
path.data: {data}
path.logs: {logs}
path.repo: [{snapshots}]
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: false
"""

LOG4J2 = """\
status = error
appender.rolling.type = RollingFile
appender.rolling.name = rolling
appender.rolling.fileName = ${sys:es.logs.base_path}${sys:file.separator}elasticsearch.log
appender.rolling.filePattern = ${sys:es.logs.base_path}${sys:file.separator}elasticsearch.log.%i
appender.rolling.layout.type = PatternLayout
appender.rolling.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}]%marker %m%n
appender.rolling.policies.type = Policies
appender.rolling.policies.size.type = SizeBasedTriggeringPolicy
appender.rolling.policies.size.size = 10MB
appender.rolling.strategy.type = DefaultRolloverStrategy
appender.rolling.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.rolling.ref = rolling
"""

_UNWANTED_JVM_OPTIONS = ("-Xlog:gc", "jdk.incubator.vector")
"""A log of its own for garbage collection; a module that not every JDK has."""


def settings_text(port: int, run_folder: Path) -> str:
    """The node's elasticsearch.yml.

    Args:
        port: where clients connect.
        run_folder: the server's part of the data directory.
    """
    folders = {name: json.dumps(str(run_folder / name)) for name in ("data", "logs", "snapshots")}  # JSON is YAML
    return SETTINGS.format(port=port, **folders)


def jvm_options_text(shipped: str) -> str:
    """The shipped jvm.options without what we do not want."""
    kept = (line for line in shipped.splitlines() if not any(unwanted in line for unwanted in _UNWANTED_JVM_OPTIONS))
    return "\n".join(kept) + "\n"


def minimum_java(home: Path) -> int:
    """The lowest Java that this server runs on: 21 for 9.x, 17 for 8.x."""
    return 21 if _has_own_launcher(home) else 17


def is_server_home(home: Path) -> bool:
    """Whether the folder is one of a server, official archive or not."""
    return (home / "lib").is_dir() and (home / "modules").is_dir() and (home / "config" / "jvm.options").is_file()


def launch_command(home: Path, java_home: Path, config: Path) -> list[str]:
    """What the archive's own bin/elasticsearch would run (some folders come without bin/).

    Args:
        home: the server's folder, 8.x or 9.4 and later.
        java_home: home of the Java that runs it.
        config: the node's configuration folder.
    """
    java = [str(java_home / "bin" / "java"), *LAUNCHER_OPTIONS]
    if _has_own_launcher(home):
        return [*java, "-cp", f"{home}/lib/tools/server-launcher/*", "org.elasticsearch.server.launcher.ServerLauncher"]
    definitions = {
        "cli.name": "server",
        "cli.script": "bin/elasticsearch",
        "cli.libs": "lib/tools/server-cli",
        "es.path.home": home,
        "es.path.conf": config,
        "es.distribution.type": "zip",
        "es.java.type": "ES_JAVA_HOME",
    }
    defined = [f"-D{name}={value}" for name, value in definitions.items()]
    class_path = f"{home}/lib/*:{home}/lib/cli-launcher/*"
    return [*java, *defined, "-cp", class_path, "org.elasticsearch.launcher.CliToolLauncher"]


def launch_environment(home: Path, java_home: Path, run_folder: Path, heap: str) -> dict[str, str]:
    """The whole environment of the launcher: nothing of ours leaks in.

    Args:
        home: the server's folder.
        java_home: home of the Java that runs it.
        run_folder: the server's part of the data directory.
        heap: -Xms and -Xmx of the server.
    """
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(run_folder),
        "LANG": "C.UTF-8",
        "JAVA": str(java_home / "bin" / "java"),
        "JAVA_TYPE": "ES_JAVA_HOME",
        "ES_JAVA_HOME": str(java_home),
        "ES_HOME": str(home),
        "ES_PATH_CONF": str(run_folder / "config"),
        "ES_DISTRIBUTION_TYPE": "zip",
        "ES_TMPDIR": str(run_folder / "tmp"),
        "CLI_JAVA_OPTS": " ".join(LAUNCHER_OPTIONS),
        # The server adds +AlwaysPreTouch, which would take the whole heap from the machine at once.
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} -XX:-AlwaysPreTouch",
    }


def _has_own_launcher(home: Path) -> bool:
    return any((home / "lib" / "tools" / "server-launcher").glob("*.jar"))


def closed_to_server(folders: Mapping[str, Path]) -> str | None:
    """Which folder the unprivileged server could not reach, in words; None if it can reach all.

    Args:
        folders: folders that it must enter, by what they are ("the data directory").
    """
    for what, folder in folders.items():
        if closed := first_closed_folder(folder):
            return f"{what} {folder} lies in {closed}, which is closed to the user that Elasticsearch runs as"
    return None


@dataclass(frozen=True)
class ElasticsearchServer:
    """The node of one data directory.

    Attributes:
        home: the server's folder (8.x, or 9.4 and later).
        java_home: home of the Java that runs it.
        run_folder: the server's own part of the data directory.
        port: for clients.
        heap: the JVM's -Xms and -Xmx.
        as_root: whether we are root, so that the server must run as somebody else.
    """

    home: Path
    java_home: Path
    run_folder: Path
    port: int
    heap: str = "512m"
    as_root: bool = False

    @property
    def address(self) -> str:
        """The URL for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """The server's own log."""
        return self.run_folder / "logs" / "elasticsearch.log"

    def prepare(self) -> None:
        """Write the configuration and give the run folder to the user that the server runs as.

        Raises:
            StackError: that user could not reach what it needs, or another server runs on this data.
            OSError: the files could not be written.
        """
        for name in ("config/jvm.options.d", "data", "logs", "tmp", "snapshots"):
            (self.run_folder / name).mkdir(parents=True, exist_ok=True)
        config = self.run_folder / "config"
        (config / "elasticsearch.yml").write_text(settings_text(self.port, self.run_folder), encoding="utf-8")
        (config / "log4j2.properties").write_text(LOG4J2, encoding="utf-8")
        shipped = (self.home / "config" / "jvm.options").read_text(encoding="utf-8")
        (config / "jvm.options").write_text(jvm_options_text(shipped), encoding="utf-8")
        if self.as_root:
            self._give_away()
        if not server_lets_go(self.run_folder / "data" / "node.lock", RELEASE_TIMEOUT_SECONDS):
            raise StackError(
                f"another Elasticsearch runs on {self.run_folder}", "stop it, or choose another data directory"
            )

    def child(self, output: Path) -> Child:
        """The node as a child for a supervisor; what it prints goes to `output`."""
        return Child(
            NAME,
            launch_command(self.home, self.java_home, self.run_folder / "config"),
            output,
            env=launch_environment(self.home, self.java_home, self.run_folder, self.heap),
            cwd=self.home,
            uid=UNPRIVILEGED_UID if self.as_root else None,
        )

    def is_ready(self) -> bool:
        """Whether the node answers and its indices can be read and written (health yellow or green)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PROBE_TIMEOUT_SECONDS)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):  # not up yet
            connection.request("GET", HEALTHY_PATH)
            return connection.getresponse().status == http.HTTPStatus.OK  # 408 while the health is red
        return False

    def _give_away(self) -> None:
        if closed := closed_to_server({"the data directory": self.run_folder.parent, "the server": self.home}):
            raise StackError(closed, "choose another place for it, or run as a normal user")
        for path in (self.run_folder, *_everything_below(self.run_folder)):
            os.chown(path, UNPRIVILEGED_UID, UNPRIVILEGED_UID)


def _everything_below(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if not path.is_symlink())

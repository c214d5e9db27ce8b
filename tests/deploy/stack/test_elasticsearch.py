import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.stack.elasticsearch import (
    ElasticsearchServer,
    is_server_home,
    jvm_options_text,
    launch_command,
    launch_environment,
    minimum_java,
    settings_text,
)
from tests.servers import new_data_dir

JDK = Path("/jdk")


def server_home(folder: Path, *, own_launcher: bool = False) -> Path:
    for name in ("lib/tools", "modules", "config"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "jvm.options").write_text("-XX:+UseG1GC\n-Xlog:gc*:file=gc.log\n")
    if own_launcher:
        (folder / "lib/tools/server-launcher").mkdir()
        (folder / "lib/tools/server-launcher/launcher.jar").touch()
    return folder


@contextmanager
def answering(status: int) -> Iterator[int]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/_cluster/health?wait_for_status=yellow&timeout=1s"
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as one:
        thread = threading.Thread(target=one.serve_forever, args=[0.05])
        thread.start()
        yield one.server_port
        one.shutdown()
        thread.join()


def test_settings_are_loopback_and_quote_their_folders() -> None:
    lines = settings_text(9200, Path('/da ta: #"x"/elasticsearch')).splitlines()
    assert "network.host: 127.0.0.1" in lines
    assert "http.port: 9200" in lines
    assert r'path.data: "/da ta: #\"x\"/elasticsearch/data"' in lines
    assert "cluster.routing.allocation.disk.threshold_enabled: false" in lines


def test_settings_name_no_module_that_a_trimmed_server_lacks() -> None:
    text = settings_text(9200, Path("/data"))
    assert not any(unknown in text for unknown in ("ingest.", "xpack.monitoring", "xpack.ml"))


def test_unwanted_jvm_options_are_dropped() -> None:
    shipped = "-XX:+UseG1GC\n20-:--add-modules=jdk.incubator.vector\n-Xlog:gc*,safepoint:file=gc.log\n# end\n"
    assert jvm_options_text(shipped) == "-XX:+UseG1GC\n# end\n"


def test_version_8_is_launched_as_its_script_would(tmp_path: Path) -> None:
    home = server_home(tmp_path)
    command = launch_command(home, JDK, Path("/data/config"))
    assert command[0] == "/jdk/bin/java"
    assert command[-3:] == [
        "-cp",
        f"{home}/lib/*:{home}/lib/cli-launcher/*",
        "org.elasticsearch.launcher.CliToolLauncher",
    ]
    assert {f"-Des.path.home={home}", "-Des.path.conf=/data/config", "-Dcli.name=server"} <= set(command)
    assert minimum_java(home) == 17


def test_version_9_has_a_launcher_of_its_own(tmp_path: Path) -> None:
    home = server_home(tmp_path, own_launcher=True)
    assert launch_command(home, JDK, Path("/data/config"))[-3:] == [
        "-cp",
        f"{home}/lib/tools/server-launcher/*",
        "org.elasticsearch.server.launcher.ServerLauncher",
    ]
    assert minimum_java(home) == 21


def test_heap_is_asked_for_but_not_touched_at_once() -> None:
    environment = launch_environment(Path("/es"), JDK, Path("/data"), "400m")
    assert environment["ES_JAVA_OPTS"] == "-Xms400m -Xmx400m -XX:-AlwaysPreTouch"
    assert (environment["ES_JAVA_HOME"], environment["ES_PATH_CONF"]) == ("/jdk", "/data/config")


def test_server_home_is_recognized(tmp_path: Path) -> None:
    assert is_server_home(server_home(tmp_path / "es"))
    assert not is_server_home(tmp_path)


@pytest.mark.parametrize(("status", "ready"), [(200, True), (408, False), (503, False)])
def test_ready_is_yellow_or_better(tmp_path: Path, status: int, ready: bool) -> None:
    with answering(status) as port:
        assert ElasticsearchServer(tmp_path, JDK, tmp_path, port).is_ready() is ready


def test_not_ready_before_it_listens(tmp_path: Path) -> None:
    assert not ElasticsearchServer(tmp_path, JDK, tmp_path, 9).is_ready()


def test_run_folder_is_prepared(tmp_path: Path) -> None:
    server = ElasticsearchServer(server_home(tmp_path / "es"), JDK, tmp_path / "run", 9200)
    server.prepare()
    assert (tmp_path / "run/config/jvm.options").read_text() == "-XX:+UseG1GC\n"
    assert (tmp_path / "run/config/elasticsearch.yml").read_text() == settings_text(9200, tmp_path / "run")
    assert (tmp_path / "run/config/log4j2.properties").is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_root_gives_the_run_folder_away() -> None:
    with new_data_dir() as data_dir:
        data_dir.chmod(0o755)
        home = server_home(data_dir / "es")
        ElasticsearchServer(home, JDK, data_dir / "run", 9200, as_root=True).prepare()
        owners = {path.stat().st_uid for path in (data_dir / "run").rglob("*")}
    assert owners == {65534}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_root_is_told_of_a_closed_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server = ElasticsearchServer(server_home(tmp_path / "es"), JDK, tmp_path / "run", 9200, as_root=True)
    with pytest.raises(StackError, match=r"^the data directory .* lies in /.*, which is closed to the user that"):
        server.prepare()

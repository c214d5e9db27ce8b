"""The real Maven client against a repository of our own on loopback, well-behaved or not."""

import http.server
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.stack import artifacts
from deploy.stack.artifacts import MavenDownload
from tests.deploy.stack.small_servers import CONTENT, JARS, KAFKA

FETCH = """
import sys
from pathlib import Path
from deploy.stack.artifacts import MavenDownload, fetch_artifacts
from tests.deploy.stack.small_servers import KAFKA
folder = Path(sys.argv[2])
fetch_artifacts(KAFKA, folder / "kafka", MavenDownload(sys.argv[1]), lambda count: None, folder / "unfinished")
"""


class Repository(http.server.ThreadingHTTPServer):
    """Hands out the small files.

    Attributes:
        broken: names of files that end half-way, the connection closed.
        stalled: names of files that stop half-way, the connection open until `go_on`.
        half_sent: set when a stalled file has reached its half.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.broken: set[str] = set()
        self.stalled: set[str] = set()
        self.half_sent = threading.Event()
        self.go_on = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/maven/"


class Answer(http.server.BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        content = CONTENT.get(name)
        if content is None or not self.path.startswith("/maven/org/example/stack/"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        if name in self.server.stalled:
            self.server.half_sent.set()
            self.server.go_on.wait(60)
        if name not in self.server.broken:
            self.wfile.write(content[half:])

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository() -> Iterator[Repository]:
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield server
        server.go_on.set()
        server.shutdown()
        thread.join()


def fetch(repository: Repository, folder: Path) -> int:
    arrived = 0

    def advance(count: int) -> None:
        nonlocal arrived
        arrived += count

    download = MavenDownload(repository.url)
    artifacts.fetch_artifacts(KAFKA, folder / "kafka", download, advance, folder / "unfinished")
    return arrived


def test_files_come_from_the_mirror(repository: Repository, tmp_path: Path) -> None:
    assert fetch(repository, tmp_path) == sum(len(content) for content in JARS.values())
    files = {file.name: file.read_bytes() for file in (tmp_path / "kafka").iterdir()}
    assert files == {f"{name}-1.0.jar": content for name, content in JARS.items()}
    assert not (tmp_path / "unfinished").exists()


def test_connection_that_closes_half_way(repository: Repository, tmp_path: Path) -> None:
    repository.broken.add("kafka-b-1.0.jar")
    with pytest.raises(StackError, match=r"kafka-b-1.0.jar (could not be downloaded|broke off)"):
        fetch(repository, tmp_path)
    assert [file.name for file in (tmp_path / "kafka").iterdir()] == ["kafka-a-1.0.jar"]
    repository.broken.clear()
    assert fetch(repository, tmp_path) == len(JARS["kafka-b"])


def test_repository_without_the_file(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CONTENT, "kafka-a-1.0.jar")
    with pytest.raises(StackError, match=r"the Maven repository does not give kafka-a-1.0.jar: check"):
        fetch(repository, tmp_path)


def test_repository_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"kafka-a-1.0.jar could not be downloaded \(.*refused"):
        artifacts.fetch_artifacts(
            KAFKA, tmp_path / "kafka", MavenDownload("http://127.0.0.1:9"), lambda _count: None, tmp_path / "unfinished"
        )


def test_killed_download_is_never_taken_for_a_good_one(repository: Repository, tmp_path: Path) -> None:
    repository.stalled.add("kafka-b-1.0.jar")
    command = [sys.executable, "-c", FETCH, repository.url, str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as process:
        assert repository.half_sent.wait(60)
        process.send_signal(signal.SIGKILL)
    assert [file.name for file in (tmp_path / "kafka").iterdir()] == ["kafka-a-1.0.jar"]
    repository.stalled.clear()
    repository.go_on.set()
    assert fetch(repository, tmp_path) == len(JARS["kafka-b"])

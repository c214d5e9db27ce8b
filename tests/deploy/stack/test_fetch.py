"""Fetching with a stand-in for the network: what can go wrong is one sentence, and the next run goes on."""

import errno
import io
import os
import stat
import threading
from pathlib import Path

import pytest
import requests
from rich.console import Console

from deploy.errors import StackError
from deploy.stack import artifacts, fetch, pins
from deploy.stack.fetch import ServerFiles
from deploy.stack.progress import LineProgress, progress_for
from tests.deploy.stack.small_servers import ARCHIVE, JARS, KAFKA, SERVER_FILES, FakeDownload

ALL = ["kafka-a-1.0.jar", "kafka-b-1.0.jar", "archive-1.0.zip"]
FULL = OSError(errno.ENOSPC, "No space left on device")
PROBLEMS: dict[str, tuple[BaseException, str]] = {
    "no network": (requests.ConnectionError("unreachable"), r"not be downloaded \(.*unreachable\): check the network"),
    "answer broke off": (requests.exceptions.ChunkedEncodingError("broken"), r"not be downloaded \(.*broken\)"),
    "not there": (RuntimeError("not found in remote repositories"), "the Maven repository does not give"),
    "disk full": (FULL, r"^the disk is full: .*: free some space"),
    "no access": (PermissionError(errno.EACCES, "Permission denied"), r"not be written .*Permission denied\): make"),
}


@pytest.fixture(autouse=True)
def small_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "ELASTICSEARCH_ARCHIVE", ARCHIVE)
    monkeypatch.setattr(pins, "ELASTICSEARCH_KEPT_BYTES", 10_000)
    monkeypatch.setattr(pins, "kafka_artifacts", lambda: KAFKA)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def server_files(cache: Path, download: artifacts.Download, said: list[str] | None = None) -> ServerFiles:
    report = (said if said is not None else []).append
    return ServerFiles(cache, LineProgress(report), report, download)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


COMPLETE = (
    {f"kafka-4.2.2/{name}-1.0.jar": content for name, content in JARS.items()}
    | {f"elasticsearch-8.19.13/{name}": content for name, content in SERVER_FILES.items()}
    | {"lock": b""}
)


def test_everything_arrives_and_the_archive_goes(cache: Path) -> None:
    said: list[str] = []
    server_files(cache, FakeDownload(), said).fetch()
    assert tree(cache) == COMPLETE
    assert (cache / "elasticsearch-8.19.13" / "plugins").is_dir()
    assert [item.present for item in pins.fetch_plan(cache)] == [True, True]
    assert said == [
        "Kafka 4.2.2: 100 % of 0 MB",
        "Elasticsearch 8.19.13: 100 % of 0 MB",
        f"Unpacking Elasticsearch 8.19.13 into {cache}",
    ]


def test_second_run_needs_no_network_and_says_nothing(cache: Path) -> None:
    server_files(cache, FakeDownload()).fetch()
    said: list[str] = []
    again = FakeDownload()
    server_files(cache, again, said).fetch()
    assert (again.calls, said) == ([], [])


def test_files_are_readable_for_the_servers_user_whatever_the_umask(cache: Path) -> None:
    before = os.umask(0o077)
    try:
        server_files(cache, FakeDownload()).fetch()
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (cache / "elasticsearch-8.19.13").rglob("*")}
    assert modes == {0o755, 0o644}


@pytest.mark.parametrize(("problem", "sentence"), PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("name", ALL)
def test_a_problem_half_way_is_one_sentence_and_the_next_run_goes_on(
    cache: Path, name: str, problem: BaseException, sentence: str
) -> None:
    download = FakeDownload()
    download.problems[name] = problem
    with pytest.raises(StackError, match=sentence):
        server_files(cache, download).fetch()
    again = FakeDownload()
    server_files(cache, again).fetch()
    assert again.calls == ALL[ALL.index(name) :]
    assert tree(cache) == COMPLETE


def test_full_disk_wrapped_by_the_downloader_is_recognized(cache: Path) -> None:
    wrapped = requests.ConnectionError("write failed")
    wrapped.__cause__ = FULL
    download = FakeDownload()
    download.problems[ALL[0]] = wrapped
    with pytest.raises(StackError, match="the disk is full"):
        server_files(cache, download).fetch()


def test_wrong_checksum_is_refused_and_not_kept(cache: Path) -> None:
    download = FakeDownload()
    download.content["kafka-b-1.0.jar"] = b"its clientz" * 5000
    with pytest.raises(StackError, match=r"^the checksum of kafka-b-1.0.jar is wrong \(expected .*: check the mirror"):
        server_files(cache, download).fetch()
    assert set(tree(cache / "kafka-4.2.2")) == {"kafka-a-1.0.jar"}


def test_short_file_is_told_from_a_wrong_one(cache: Path) -> None:
    download = FakeDownload()
    download.content["kafka-a-1.0.jar"] = b"the"
    with pytest.raises(StackError, match=r"of kafka-a-1.0.jar broke off after 3 of 10 bytes: run the same command"):
        server_files(cache, download).fetch()


def test_full_disk_while_unpacking_keeps_the_archive(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise FULL

    with monkeypatch.context() as patched:
        patched.setattr(fetch.shutil, "copyfileobj", full)
        with pytest.raises(StackError, match="the disk is full"):
            server_files(cache, FakeDownload()).fetch()
    assert [item.present for item in pins.fetch_plan(cache)] == [True, False]
    again = FakeDownload()
    server_files(cache, again).fetch()
    assert again.calls == []
    assert tree(cache) == COMPLETE


def test_archive_without_the_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FOLDER_IN_ARCHIVE", "opensearch")
    with pytest.raises(StackError, match="Elasticsearch could not be written"):
        server_files(cache, FakeDownload()).fetch()


def test_too_small_a_disk_is_noticed_before_anything_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10})())
    download = FakeDownload()
    with pytest.raises(StackError, match=r"the disk is too full: .* needs 0 MB, 0 MB are free"):
        server_files(cache, download).fetch()
    assert download.calls == []


def test_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StackError, match=r"the cache could not be written below .*: make that folder writable"):
        server_files(tmp_path / "file" / "cache", FakeDownload()).fetch()


def test_two_at_once_fetch_everything_once(cache: Path) -> None:
    downloads = [FakeDownload(), FakeDownload()]
    said: list[str] = []
    threads = [threading.Thread(target=server_files(cache, one, said).fetch) for one in downloads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(downloads[0].calls + downloads[1].calls) == sorted(ALL)
    assert tree(cache) == COMPLETE


def test_progress_is_a_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    with progress_for(Console(file=screen, force_terminal=True), pytest.fail).download("Kafka", 8) as advance:
        advance(8)
    assert "Kafka" in screen.getvalue()


def test_progress_is_a_line_for_each_quarter_elsewhere() -> None:
    said: list[str] = []
    with progress_for(Console(file=io.StringIO()), said.append).download("Kafka", 8_000_000) as advance:
        for _ in range(8):
            advance(1_000_000)
    assert said == [f"Kafka: {percent} % of 8 MB" for percent in (25, 50, 75, 100)]

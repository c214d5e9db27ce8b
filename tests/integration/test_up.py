"""`kiosque up`, killed without warning: nothing stays behind, and the next one goes on without loss or doubles."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from deploy.demo_verdict import shortfalls
from deploy.newsstand.expectations import expectations
from sinks.elasticsearch import connect
from sinks.errors import Unavailable
from sinks.lookups import index_counts
from tests.servers import new_data_dir
from tests.services import end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

EXPECTED_REVISIONS = sum(expectation.revision for expectation in expectations())


def start_up(data_dir: Path) -> subprocess.Popen[bytes]:
    with (data_dir / "up.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "up", "--data-dir", str(data_dir)], stdout=log, stderr=log
        )


def left_behind(data_dir: Path) -> list[str]:
    """Commands of living processes that know the data directory, by their arguments or environment."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes()
            known = command + (process / "environ").read_bytes()
        except OSError:
            continue  # it has just ended
        if str(data_dir).encode() in known:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def elasticsearch_of(data_dir: Path) -> str | None:
    ports = data_dir / "ports.json"
    return f"http://127.0.0.1:{json.loads(ports.read_text())['elasticsearch']}" if ports.exists() else None


def articles(data_dir: Path) -> int:
    url = elasticsearch_of(data_dir)
    if url is None:
        return 0
    with closing(connect(url)) as index:
        try:
            return index_counts(index).articles
        except Unavailable:
            return 0


def test_killed_up_leaves_nothing_behind_and_the_next_one_goes_on(capfd: pytest.CaptureFixture[str]):
    with new_data_dir() as data_dir:
        up = start_up(data_dir)
        try:
            wait_until(lambda: articles(data_dir) >= 5, "the first articles", seconds=150)
            end(up, signal.SIGKILL)
            wait_until(lambda: not left_behind(data_dir), "all processes to end", seconds=20)

            up = start_up(data_dir)
            wait_until(lambda: articles(data_dir) >= 5, "the articles of before", seconds=150)
            with closing(connect(elasticsearch_of(data_dir))) as index:
                wait_until(
                    lambda: not shortfalls(index, expectations(), index_prefix="kiosque"), "all is there", seconds=180
                )
                urls = Counter(
                    hit["_source"]["url"]
                    for hit in index.search(index="kiosque-articles", size=1000, source=["url"])["hits"]["hits"]
                )
                assert urls == Counter(e.url for e in expectations() if e.disposition == "indexed")
                assert index_counts(index).revisions == EXPECTED_REVISIONS
            second = subprocess.run(
                [sys.executable, "-m", "deploy.cli", "up", "--data-dir", str(data_dir)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert (second.returncode, second.stderr.count("\n")) == (3, 1), second.stderr
            assert str(up.pid) in second.stderr
            assert end(up, signal.SIGTERM) == 0
            assert left_behind(data_dir) == []
            said = (data_dir / "up.log").read_text()
            assert "Traceback" not in said
            assert "Stopped. Everything is kept" in said
        finally:
            end(up, signal.SIGKILL)
            wait_until(lambda: not left_behind(data_dir), "all processes to end", seconds=20)

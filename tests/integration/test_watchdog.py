"""A worker that is alive but stuck ends itself; an idle one does not."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.watchdog import EXIT_STUCK
from schemas import kafka_topics
from tests.services import Installation, end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

WORKER = Path(__file__).parent / "marking_worker.py"
WATCHDOG_SECONDS = 3.0
"""As marking_worker.py sets it."""


@contextmanager
def marking_worker(installation: Installation) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    seen = installation.folder / "seen"
    seen.touch()
    with (installation.folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, str(WORKER), str(seen)],
            env=installation.environment(),
            cwd=WORKER.parents[2],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield worker, seen
    finally:
        end(worker, signal.SIGKILL)


@pytest.mark.parametrize("how", ["hang", "block"])
def test_stuck_worker_ends_itself_and_acknowledges_nothing(installation: Installation, how: str):
    with marking_worker(installation) as (worker, _):
        installation.produce(kafka_topics.TAGGED, [(b"k", how.encode())])
        assert worker.wait(60) == EXIT_STUCK
    assert installation.lag("cluster").waiting == 1


def test_idle_worker_is_left_alone(installation: Installation):
    with marking_worker(installation) as (worker, seen):
        installation.produce(kafka_topics.TAGGED, [(b"k", b"first")])
        wait_until(lambda: seen.read_text() == "first\n", "the first message")
        time.sleep(3 * WATCHDOG_SECONDS)
        assert worker.poll() is None
        installation.produce(kafka_topics.TAGGED, [(b"k", b"second")])
        wait_until(lambda: seen.read_text() == "first\nsecond\n", "the second message")

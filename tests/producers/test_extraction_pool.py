"""Worker processes: limits hold, and nothing outlives its parent. Tasks are named by module: workers import them."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from producers.errors import IsolationFailed
from producers.extraction_pool import ExtractionPool

RSS = b"<rss version='2.0'><channel><item><title>A</title><link>https://a.example/1</link></item></channel></rss>"
URL = "https://a.example/"


@pytest.fixture
async def pool() -> AsyncIterator[ExtractionPool]:
    workers = ExtractionPool(1, timeout_seconds=2.0)
    yield workers
    await workers.close()


async def test_feeds_and_pages_are_read_in_a_worker(pool: ExtractionPool) -> None:
    feed = await pool.parse_feed(RSS, url=URL, headers={})
    page = await pool.extract_page(b"<p>Un</p>", url=URL, headers={}, announced_title=None)
    assert (feed.entries[0].title, page.verdict) == ("A", "no_text")


@pytest.mark.parametrize(
    ("task", "argument", "slug"),
    [
        (time.sleep, 60, "timeout"),
        (bytes, 8 << 30, "memory"),
        (os._exit, 3, "crash"),
        (int, "trois", "error"),
    ],
    ids=["timeout", "memory", "crash", "error"],
)
async def test_what_a_task_does_to_its_worker_has_a_name_and_the_next_task_works(
    pool: ExtractionPool, task: object, argument: object, slug: str
) -> None:
    with pytest.raises(IsolationFailed) as caught:
        await pool._run(task, argument)  # type: ignore[arg-type]
    assert caught.value.slug == slug
    assert (await pool.parse_feed(RSS, url=URL, headers={})).is_feed


async def test_a_cancelled_task_gives_the_worker_back(pool: ExtractionPool) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await pool._run(time.sleep, 60)  # type: ignore[arg-type]
    assert (await pool.parse_feed(RSS, url=URL, headers={})).is_feed


PARENT = """
import asyncio, os, sys
from producers.extraction_pool import ExtractionPool

async def main():
    pool = ExtractionPool(1)
    print(await pool._run(os.getpid), flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is the kernel's")
def test_a_worker_dies_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert _gone(worker)


def _gone(pid: int) -> bool:
    """Ended; as a zombie too, where nobody reaps orphans."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False

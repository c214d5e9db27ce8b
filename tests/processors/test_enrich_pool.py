"""The model processes: what they answer, what a bad article costs, and that none outlives its service."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from processors.enrich_failure import Failure
from processors.enrich_pool import EnrichPool
from processors.records import Arrival
from processors.stages import Effect
from schemas.codec import decode_tagged, encode
from schemas.messages import version_of
from tests.articles import NOON, TEXT, tagged, unique

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

ROOT = Path(__file__).parents[2]
SERVICE = """
import asyncio, sys
from processors.enrich_pool import EnrichPool

async def main():
    pool = EnrichPool(2, 60.0, low_priority=True)
    print("idle", flush=True)
    sys.stdin.readline()
    await pool.warm_up()
    print("spacy" in sys.modules, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


def arrival(message, offset=0):
    return Arrival(0, offset, message.article_id.encode(), encode(message))


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent …; empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def user_ticks(pid: int) -> int:
    return int(stat(pid)[11])


def children(parent: int) -> set[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {pid for pid in pids if stat(pid)[1:2] == [str(parent)]}


def model_processes(parent: int) -> list[int]:
    """Without multiprocessing's resource tracker, which ends when its pipe closes."""
    return [pid for pid in children(parent) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_pool_answers_in_order_gives_way_and_rests():
    beats = []
    pool = EnrichPool(1, 60.0, low_priority=True, rest_seconds=0.5)
    try:
        assert model_processes(os.getpid()) == []
        await pool.warm_up()
        (process,) = model_processes(os.getpid())
        assert (os.getpriority(os.PRIO_PROCESS, process), os.getpriority(os.PRIO_PROCESS, 0)) == (10, 0)
        records = [arrival(tagged(f"a{number}", revision=2, run=5), number) for number in range(3)]
        records.insert(1, Arrival(0, 9, b"k", b"{}"))
        effects = await pool.effects("reenrich", records, NOON.timestamp(), lambda: beats.append(1))
        assert len(beats) == 4
        assert isinstance(effects[1], Failure)
        assert effects[1].reason == "invalid_message"
        made = [decode_tagged(effect.outputs[0].value) for effect in effects if isinstance(effect, Effect)]
        assert [(message.article_id, message.version) for message in made] == [
            (tagged(f"a{number}").article_id, version_of(2, 5)) for number in range(3)
        ]
        await asyncio.to_thread(wait_until, lambda: not stat(process))
        (effect,) = await pool.effects("enrich", [arrival(unique())], NOON.timestamp(), lambda: None)
        assert isinstance(effect, Effect)
    finally:
        pool.stop()
    assert model_processes(os.getpid()) == []


async def test_article_that_stalls_its_process_is_a_failure_and_the_next_is_done():
    pool = EnrichPool(1, 5.0)
    endless = arrival(unique(text="\n".join(f"{TEXT} {number}" for number in range(150))))
    try:
        await pool.warm_up()
        (process,) = model_processes(os.getpid())
        ticks = user_ticks(process)
        reading = asyncio.create_task(pool.effects("enrich", [endless], NOON.timestamp(), lambda: None))
        await asyncio.to_thread(wait_until, lambda: user_ticks(process) >= ticks + 10)
        os.kill(process, signal.SIGSTOP)
        (stalled,) = await reading
        (done,) = await pool.effects("enrich", [arrival(unique())], NOON.timestamp(), lambda: None)
    finally:
        pool.stop()
    assert stalled == Failure("processing_timeout", "no answer within 5 s")
    assert isinstance(done, Effect)


@pytest.mark.parametrize("moment", ["process seen", "models loading", "models loaded"])
def test_killed_service_leaves_no_process_behind(moment: str):
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    try:
        assert service.stdout.readline() == "idle\n"
        assert model_processes(service.pid) == []
        service.stdin.write("\n")
        service.stdin.flush()
        wait_until(lambda: model_processes(service.pid))
        if moment == "models loading":
            wait_until(
                lambda: any("spacy" in Path(f"/proc/{p}/maps").read_text() for p in model_processes(service.pid))
            )
        if moment == "models loaded":
            assert service.stdout.readline() == "False\n"  # the model is in the processes only
            assert len(model_processes(service.pid)) == 2
        left = children(service.pid)
        service.kill()
        service.wait()
        wait_until(lambda: not any(stat(pid) and stat(pid)[0] != "Z" for pid in left))
    finally:
        service.kill()
        service.wait()
        service.stdin.close()
        service.stdout.close()

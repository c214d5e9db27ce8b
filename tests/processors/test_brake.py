"""Dead letters in a row hold a stage; the first message that goes well lets it go."""

from collections import Counter

import pytest

from processors.brake import Brake
from processors.readiness import Readiness


class Recorded:
    def __init__(self):
        self.ready = []
        self.counts = Counter()

    def count(self, name, value=1, /, **labels):
        self.counts[name] += value

    def gauge(self, name, value, /, **labels):
        self.ready.append(value)

    def observe(self, name, value, /, **labels): ...


@pytest.fixture
def metrics():
    return Recorded()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def brake(metrics, slept):
    readiness = Readiness("dedupe", metrics)
    readiness.set("assigned", fine=True)

    async def sleep(seconds):
        slept.append(seconds)

    return Brake(readiness, limit=3, probe_seconds=2.5, sleep=sleep)


async def run(brake, messages, dead):
    taken = []
    async for portion in brake.portions(messages):
        taken.append(tuple(portion))
        for message in portion:
            brake.note(dead=message in dead)
    return taken


async def test_whole_batches_while_released(brake, slept):
    assert await run(brake, [1, 2, 3, 4], dead={1, 2, 4}) == [(1, 2, 3, 4)]
    assert (brake.paused, slept) == (False, [])


async def test_one_by_one_while_paused_and_all_at_once_when_released(brake, metrics, slept):
    await run(brake, [1, 2, 3], dead={1, 2, 3})
    assert (brake.paused, metrics.ready[-1]) == (True, 0)
    assert await run(brake, [4, 5, 6, 7], dead={4}) == [(4,), (5,), (6, 7)]
    assert (brake.paused, metrics.ready[-1]) == (False, 1)
    assert sum(slept) == pytest.approx(2 * 2.5)


async def test_a_paused_stage_is_alive(brake, metrics):
    await run(brake, [1, 2, 3], dead={1, 2, 3})
    before = metrics.counts["heartbeats_total"]
    await run(brake, [4], dead={4})
    assert metrics.counts["heartbeats_total"] > before

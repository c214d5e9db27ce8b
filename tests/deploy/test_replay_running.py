"""The work of a run with a log, a worker and a writer that live in memory."""

import asyncio

import pytest

from deploy.replay import running
from deploy.replay.portions import EnrichedRecord
from deploy.replay.running import AHEAD, Outcome, ReplayOptions, RunningReplay, Surroundings
from deploy.replay.runs import Counts, ReplayRun, decode_run
from deploy.replay.selection import Selection
from schemas import kafka_topics
from schemas.codec import decode_tagged, encode
from schemas.messages import version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalsInMemory, order_key
from tests.articles import NOON, enriched

PARTITIONS = 3


class Servers:
    """articles.enriched, articles.reenrich with its worker, `replays`, and who is told."""

    def __init__(self, articles: int) -> None:
        self.log = {number: [] for number in range(PARTITIONS)}
        for number in range(articles):
            self.append(number % PARTITIONS, enriched(f"article{number}"))
        self.portions = []
        self.runs = []
        self.told = []
        self.most_ahead = 0
        self.ahead = 0
        self.done_each_look = 10_000
        self.there = True
        self.withdrawals = WithdrawalsInMemory()
        self.stop = asyncio.Event()
        self.after_portion = lambda: None
        self.now = 0.0

    def append(self, partition, message):
        offset = 2 * len(self.log[partition])
        self.log[partition].append(EnrichedRecord(offset, message.article_id.encode(), encode(message)))

    def run(self) -> ReplayRun:
        begin = dict.fromkeys(self.log, 0)
        return ReplayRun(
            run=1,
            selection=Selection(),
            started_at=NOON,
            topic_id="t",
            begin_offsets=begin,
            end_offsets={number: 2 * len(records) for number, records in self.log.items()},
            next_offsets=begin,
        )

    async def go(self, run: ReplayRun, rate: float = 100.0) -> Outcome:
        around = Surroundings(self.withdrawals, lambda: NOON, self.monotonic, self.stop, self)
        return await RunningReplay(run, ReplayOptions("nowhere:9092", "", rate), around, self, self, self).go()

    def monotonic(self) -> float:
        self.now += 10
        return self.now

    async def records(self, partition, start, end):
        found = [record for record in self.log[partition] if start <= record.offset < end]
        for first in range(0, len(found), 7):
            yield found[first : first + 7]
            yield []

    async def waiting(self) -> int:
        self.ahead = max(0, self.ahead - self.done_each_look)
        return self.ahead

    def wrote(self, count: int) -> None:
        self.ahead += count
        self.most_ahead = max(self.most_ahead, self.ahead)

    async def worker_is_there(self) -> bool:
        return self.there

    async def write(self, records) -> None:
        *articles, run = records
        assert run.kafka_topic is kafka_topics.REPLAYS
        self.portions.append([decode_tagged(record.value) for record in articles])
        self.runs.append(decode_run(run.value))
        self.after_portion()

    def progress(self, run, waiting) -> None:
        """Not looked at."""

    def no_worker(self) -> None:
        self.told.append("no worker")

    @property
    def written(self):
        return [message for portion in self.portions for message in portion]


def ids(count: int) -> list[str]:
    return sorted(enriched(f"article{number}").article_id for number in range(count))


async def test_every_article_is_written_once_and_the_run_ends():
    servers = Servers(50)
    outcome = await servers.go(servers.run())
    assert sorted(message.article_id for message in servers.written) == ids(50)
    assert {message.version for message in servers.written} == {version_of(1, 1)}
    assert outcome == Outcome(servers.runs[-1], waiting=0, worker=True)
    assert (outcome.run.state, outcome.run.finished_at) == ("finished", NOON)
    assert outcome.run.next_offsets == outcome.run.end_offsets
    assert outcome.run.counts == Counts(read=50, selected=50, written=50)


async def test_what_comes_while_the_run_goes_on_is_not_part_of_it():
    servers = Servers(10)
    servers.after_portion = lambda: servers.append(0, enriched("news"))
    await servers.go(servers.run())
    assert sorted(message.article_id for message in servers.written) == ids(10)


async def test_corrected_article_is_written_as_it_was_last():
    servers = Servers(20)
    servers.append(0, enriched("article3", revision=2))
    outcome = await servers.go(servers.run())
    (corrected,) = [m for m in servers.written if m.article_id == enriched("article3").article_id]
    assert corrected.version == version_of(2, 1)
    assert outcome.run.counts == Counts(read=21, repeated=1, selected=20, written=20)


@pytest.mark.parametrize("portions", range(1, 9))
async def test_stopped_after_any_portion_it_goes_on_where_it_was(portions: int):
    servers = Servers(50)
    servers.after_portion = lambda: servers.stop.set() if len(servers.portions) == portions else None
    stopped = await servers.go(servers.run())
    assert stopped.run == servers.runs[-1]
    assert (len(servers.portions), stopped.run.state) == (portions, "unfinished")
    servers.stop = asyncio.Event()
    finished = await servers.go(servers.runs[-1])
    assert finished.run.state == "finished"
    assert sorted(message.article_id for message in servers.written) == ids(50)
    assert finished.run.counts == Counts(read=50, selected=50, written=50)


async def test_article_withdrawn_while_the_run_goes_on_is_left_out():
    servers = Servers(30)
    order = WithdrawalOrder(scope="publisher", target="phare-ouest.example", requested_at=NOON)
    servers.after_portion = lambda: servers.withdrawals.orders.load(order_key(order), order)
    outcome = await servers.go(servers.run())
    assert outcome.run.counts == Counts(read=30, selected=30, written=7, withdrawn=23)
    assert len(servers.written) == 7


async def test_worker_is_never_more_than_so_many_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "_LOOK_AGAIN_SECONDS", 0.0001)
    monkeypatch.setattr(running, "_WORKER_SECONDS", 0.0005)
    servers = Servers(3_000)
    servers.done_each_look = 3
    await servers.go(servers.run(), rate=1_000)
    assert AHEAD - 100 < servers.most_ahead <= AHEAD
    assert len(servers.written) == 3_000
    assert servers.told == []


async def test_that_nobody_works_is_said_once_and_the_replay_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "_LOOK_AGAIN_SECONDS", 0.0001)
    monkeypatch.setattr(running, "_WORKER_SECONDS", 0.0005)
    servers = Servers(1_000)
    servers.done_each_look, servers.there = 0, False
    looks = 0

    def look(_run, waiting):
        nonlocal looks
        looks += waiting + 100 > AHEAD
        if looks == 40:
            servers.stop.set()

    servers.progress = look
    outcome = await servers.go(servers.run(), rate=1_000)
    assert servers.told == ["no worker"]
    assert AHEAD - 100 < len(servers.written) <= AHEAD
    assert outcome == Outcome(servers.runs[-1], waiting=len(servers.written), worker=False)


@pytest.mark.parametrize(("rate", "size"), [(0.5, 1), (3.0, 3), (20.0, 20), (5_000.0, 100)])
async def test_a_portion_is_what_a_second_allows(rate: float, size: int, monkeypatch: pytest.MonkeyPatch):
    servers = Servers(0)
    for number in range(7):
        servers.append(0, enriched(f"article{number}"))
    await servers.go(servers.run(), rate)
    assert max(len(portion) for portion in servers.portions) == min(size, 7)

"""The body of enrich and reenrich with a pool that answers from a table and a writer that only notes."""

import pytest

from processors import enrich_agent
from processors.brake import Brake
from processors.enrich_agent import EnrichAgent
from processors.enrich_failure import Failure
from processors.options import ProcessorOptions
from processors.readiness import Readiness
from processors.records import Arrival, Outgoing
from processors.stages import Effect
from schemas import failpoints, kafka_topics
from schemas.headers import dead_letter_of
from schemas.messages import DeadLetter
from tests.articles import NOON


class Noted:
    """Metrics, pool and writer in one: what happened, in order."""

    def __init__(self):
        self.events = []
        self.counts = {}

    def count(self, name, value=1, /, **labels):
        key = (name, *sorted(labels.items()))
        self.counts[key] = self.counts.get(key, 0) + value

    def gauge(self, name, value, /, **labels): ...

    def observe(self, name, value, /, **labels): ...

    async def effects(self, stage, arrivals, now, done):
        self.events.append(("label", stage, [arrival.offset for arrival in arrivals], now))
        answers = []
        for arrival in arrivals:
            done()
            bad = arrival.value is None
            output = Outgoing(kafka_topics.TAGGED, arrival.key, arrival.value)
            answers.append(Failure("invalid_message", "null") if bad else Effect("tagged", (output,)))
        return answers

    def stop(self):
        self.events.append(("pool stopped",))

    async def start(self):
        self.events.append(("writer started",))

    async def write(self, records):
        self.events.append(("write", list(records)))


@pytest.fixture
def noted():
    return Noted()


@pytest.fixture
def make_agent(noted, monkeypatch):
    monkeypatch.setattr(enrich_agent, "RecordWriter", lambda *_arguments, **_named: noted)

    def make(stage="reenrich", limit=100):
        readiness = Readiness(stage, noted)

        async def sleep(seconds):
            noted.events.append(("pause", seconds))

        brake = Brake(readiness, limit=limit, probe_seconds=1.0, sleep=sleep)
        return EnrichAgent(
            stage,
            ProcessorOptions("nowhere:9092", "p."),
            noted,
            input_topic=kafka_topics.REENRICH,
            brake=brake,
            beat=readiness.beat,
            clock=lambda: NOON,
            metrics=noted,
        )

    return make


def arrivals(*values):
    return [Arrival(0, number, b"k%d" % number, value) for number, value in enumerate(values)]


async def test_outputs_and_dead_letters_are_written_in_the_order_of_the_records(noted, make_agent):
    await make_agent().process(arrivals(b"a", None, b"c"))
    label, started, (_, records) = noted.events
    assert (label, started) == (("label", "reenrich", [0, 1, 2], NOON.timestamp()), ("writer started",))
    assert [(record.kafka_topic.name, record.key, record.value) for record in records] == [
        ("articles.tagged", b"k0", b"a"),
        ("articles.dead", b"k1", None),
        ("articles.tagged", b"k2", b"c"),
    ]
    assert dead_letter_of(records[1].headers) == DeadLetter(
        reason="invalid_message",
        stage="reenrich",
        detail="null",
        kafka_topic="p.articles.reenrich",
        partition=0,
        offset=1,
        at=NOON,
    )
    stage = ("stage", "reenrich")
    assert noted.counts == {
        ("heartbeats_total", stage): 3,
        ("messages_in_total", stage): 3,
        ("messages_out_total", stage): 3,
        ("dead_letters_total", ("reason", "invalid_message"), stage): 1,
        ("dispositions_total", ("disposition", "tagged"), stage): 2,
        ("dispositions_total", ("disposition", "dead_letter"), stage): 1,
    }


async def test_after_too_many_dead_letters_records_are_tried_one_by_one_until_one_goes_well(noted, make_agent):
    agent = make_agent("enrich", limit=2)
    await agent.process(arrivals(None, None))
    noted.events.clear()
    await agent.process(arrivals(None, b"b", b"c", b"d"))
    told = [event if event[0] == "pause" else event[2] for event in noted.events if event[0] in {"pause", "label"}]
    assert told == [("pause", 1.0), [0], ("pause", 1.0), [1], [2, 3]]


@pytest.mark.parametrize("stage", ["enrich", "reenrich"])
@pytest.mark.parametrize(("point", "written"), [("after_labels", 0), ("after_send", 1)])
async def test_failpoints_lie_before_and_after_the_writing(noted, make_agent, stage, point, written):
    failpoints.arm(f"{stage}.{point}:1:raise")
    try:
        with pytest.raises(failpoints.FailpointReached):
            await make_agent(stage).process(arrivals(b"a"))
    finally:
        failpoints.arm("")
    assert [event[0] for event in noted.events].count("write") == written

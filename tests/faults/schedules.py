"""The schedules of the processors: what is sent, who is killed or frozen where. Each returns what the oracle says.

With the protection in place a schedule ends without a sentence; without it, with at least one (protections.py).
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from kafka import KafkaAdminClient

from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name
from tests.faults.evidence import evidence_of, undone
from tests.faults.feeding import Fed, fed, id_of, labelled, reading, revision, withdrawal
from tests.faults.hostile import NEARLY_ALL, padded
from tests.faults.oracle import stage_faults
from tests.faults.play import Play
from tests.services import wait_until

Schedule = Callable[[Play], list[str]]

_INPUTS = {"dedupe": kafka_topics.FETCHED, "enrich": kafka_topics.UNIQUE, "cluster": kafka_topics.TAGGED}

ALTERNATING = fed(reading("a", "1", 0), reading("a", "2", 1), reading("a", "1", 2))
CLOCK_SET_BACK = fed(reading("a", "1", 10, 1), reading("a", "2", 5, 2))
MEMORY_LOST = fed(reading("a", "1", 0, 5), reading("a", "2", 1, 0))
LATE_READING = fed(reading("a", "2", 1), reading("a", "1", 0))
SAME_AGAIN = fed(reading("a", "1", 0), reading("a", "1", 1))
READ_AFTER_WITHDRAWAL = fed(reading("a", "1", 0), withdrawal("a"), reading("a", "2", 1), reading("a", "1", 2))
REDELIVERED_BY_ENRICH = fed(*(labelled("a", content, number) for number, content in ((1, "1"), (2, "2")) * 2))
REVISIONS = fed(revision("a", "1", 1), revision("a", "2", 2))


def judged(play: Play, *stages: str) -> list[str]:
    return stage_faults(evidence_of(play.installation, *stages, index="index" in stages), *stages)


def in_order(stage: str, messages: list[Fed]) -> Schedule:
    """The messages, and no fault at all."""

    def schedule(play: Play) -> list[str]:
        play.installation.produce(_INPUTS[stage], messages)
        play.finish(stage)
        return judged(play, stage)

    return schedule


def killed_at(stage: str, point: str, messages: list[Fed]) -> Schedule:
    """The messages; the stage is killed (or fails) at the failpoint and started again."""

    def schedule(play: Play) -> list[str]:
        play.installation.produce(_INPUTS[stage], messages)
        play.killed(stage, point)
        play.finish(stage)
        return judged(play, stage)

    return schedule


def raising_at(stage: str, point: str, messages: list[Fed]) -> Schedule:
    """The messages; an error that nobody expects is raised at the failpoint."""

    def schedule(play: Play) -> list[str]:
        play.installation.produce(_INPUTS[stage], messages)
        process = play.start(stage, f"{point}:1:raise")
        wait_until(lambda: process.poll() is not None or not undone(play.installation, stage), "it ends or goes on", 60)
        play.finish(stage)
        return judged(play, stage)

    return schedule


def frozen_and_woken(point: str, messages: list[Fed]) -> Schedule:
    """dedupe freezes with work in hand, another worker takes over and does it, then the first one wakes."""

    def schedule(play: Play) -> list[str]:
        play.installation.produce(kafka_topics.FETCHED, messages)
        first = play.frozen("dedupe", f"{point}:1", log="dedupe-frozen")
        second = play.start("dedupe", log="dedupe-second")
        wait_until(lambda: not undone(play.installation, "dedupe"), "the second worker does the work", 60)
        play.wake(first)
        play.close()
        assert second.poll() is not None
        play.finish("dedupe")
        return judged(play, "dedupe")

    return schedule


def too_large(play: Play) -> list[str]:
    """A reading as large as Kafka takes it, and one of another article: the first is set aside, the other revised."""
    large = [(key, padded(value or b"", NEARLY_ALL)) for key, value in fed(reading("a", "1", 0))]
    play.installation.produce(kafka_topics.FETCHED, [*large, *fed(reading("b", "1", 0))])
    play.finish("dedupe")
    held = evidence_of(play.installation, "dedupe")
    place = next(
        (record.partition, record.offset) for record in held.of(kafka_topics.FETCHED) if record.key == large[0][0]
    )
    judged_with = replace(held, set_aside=frozenset({(kafka_topics.FETCHED.name, *place)}))
    missing = f"{id_of('a')[:8]}: revision 1 is missing on articles.unique"
    return [fault for fault in stage_faults(judged_with, "dedupe") if fault != missing]


def woken_during_takeover(play: Play) -> list[str]:
    """dedupe freezes with work in hand; its successor has just restored the state when the first one wakes."""
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING)
    first = play.frozen("dedupe", "after_decide:1", log="dedupe-frozen")
    second = play.frozen("dedupe", "after_restore:1", log="dedupe-second")
    play.wake(first, seconds=6)
    play.wake(second, seconds=6)
    play.close()
    play.finish("dedupe")
    return judged(play, "dedupe")


def aborted_before_enrich(play: Play) -> list[str]:
    """dedupe is killed before it commits and does the work again; enrich reads what both attempts wrote."""
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING)
    play.killed("dedupe", "after_send:2", protected=True)
    play.finish("dedupe", protected=True)
    play.finish("enrich")
    return judged(play, "dedupe", "enrich")


def aborted_before_index(play: Play) -> list[str]:
    """cluster is killed before it commits and does the work again; the sink reads what both attempts wrote."""
    play.installation.produce(kafka_topics.TAGGED, REDELIVERED_BY_ENRICH)
    play.killed("cluster", "after_send", protected=True)
    play.finish("cluster", protected=True)
    play.finish("index")
    return judged(play, "cluster", "index")


def aborted_behind_the_first(play: Play) -> list[str]:
    """enrich has done the first message of a partition; behind it comes an aborted transaction, then the next one."""
    enrich = play.start("enrich")
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING[:1])
    play.finish("dedupe", protected=True)
    wait_until(lambda: enrich.poll() is not None or done(play, "enrich"), "enrich does the first", 60)
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING[1:])
    play.killed("dedupe", "after_send", protected=True)
    play.finish("dedupe", protected=True)
    with suppress(AssertionError):
        wait_until(lambda: done(play, "enrich"), "enrich commits", 20)
    return judged(play, "dedupe", "enrich")


def done(play: Play, stage: str) -> bool:
    return bool(play.installation.records(_INPUTS[stage])) and not undone(play.installation, stage)


def input_made_anew(play: Play) -> list[str]:
    """articles.fetched is deleted and made anew while dedupe is away; then a correction and a new article come."""
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING[:1])
    play.finish("dedupe", protected=True)
    before = play.installation.records(kafka_topics.FETCHED)
    _make_anew(play, kafka_topics.FETCHED)
    play.installation.produce(kafka_topics.FETCHED, fed(reading("a", "2", 1), reading("b", "1", 1)))
    play.finish("dedupe")
    held = evidence_of(play.installation, "dedupe")
    both = [*before, *held.of(kafka_topics.FETCHED)]
    return stage_faults(replace(held, topics=held.topics | {kafka_topics.FETCHED.name: both}), "dedupe")


def _make_anew(play: Play, topic: KafkaTopic) -> None:
    name = full_name(topic, play.installation.prefix)
    admin = KafkaAdminClient(bootstrap_servers=play.installation.stack.kafka)
    admin.delete_topics([name])
    wait_until(lambda: name not in admin.list_topics(), "the topic is gone", 30)
    admin.close()
    play.installation.make_topics()

"""Every failpoint of the long-lived stages once: killed there, started again, nothing lost, nothing twice.

One installation for each stage, one life of the service for each failpoint: it gets new work, is killed at the
failpoint, and the next life goes on with what is left. A process that is not killed shows a failpoint that nobody
passes. The failpoints of poll, forget, replay and dead are reached in the tests of those parts.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import kafka_topics
from schemas.failpoints import FAILPOINTS
from tests.faults.evidence import evidence_of, shown, undone
from tests.faults.feeding import enriched_life, fetched_life, reenrich_life, tagged_life, unique_life
from tests.faults.oracle import Evidence, stage_faults
from tests.faults.play import EXIT_IO, play
from tests.faults.schedules import ALTERNATING
from tests.services import Installation, wait_until

servers = pytest.mark.servers
slow = pytest.mark.slow


def killed_at_each(installation: Installation, stage: str, feed: Callable[[int], None]) -> Evidence:
    """Kill the stage once at each of its failpoints, then let it finish."""
    with play(installation) as begun:
        for life, point in enumerate(FAILPOINTS[stage]):
            feed(life)
            begun.killed(stage, point)
        begun.finish(stage, seconds=120)
    return evidence_of(installation, stage, index=stage == "index")


@servers
@slow
def test_dedupe(installation: Installation):
    held = killed_at_each(
        installation, "dedupe", lambda life: installation.produce(kafka_topics.FETCHED, fetched_life(life))
    )
    faults = stage_faults(held, "dedupe")
    assert not faults, shown(faults)


@servers
@slow
@pytest.mark.parametrize("stage", ["enrich", "reenrich"])
def test_enrich(installation: Installation, stage: str):
    topic, feed = (kafka_topics.UNIQUE, unique_life) if stage == "enrich" else (kafka_topics.REENRICH, reenrich_life)
    held = killed_at_each(installation, stage, lambda life: installation.produce(topic, feed(life)))
    faults = stage_faults(held, stage)
    assert not faults, shown(faults)


@servers
@slow
def test_cluster(installation: Installation):
    held = killed_at_each(
        installation, "cluster", lambda life: installation.produce(kafka_topics.TAGGED, tagged_life(life))
    )
    faults = stage_faults(held, "cluster")
    assert not faults, shown(faults)


@servers
@slow
def test_index(installation: Installation):
    held = killed_at_each(
        installation, "index", lambda life: installation.produce_records(kafka_topics.ENRICHED, enriched_life(life))
    )
    faults = stage_faults(held, "index")
    assert not faults, shown(faults)


@servers
@slow
@pytest.mark.parametrize("point", ["after_decide:1", "after_send:2"])
def test_frozen_worker_is_fenced_when_it_wakes(installation: Installation, point: str):
    """Frozen beyond the session timeout with decided work in hand; at its second transaction, in the middle of it."""
    installation.produce(kafka_topics.FETCHED, ALTERNATING)
    with play(installation) as begun:
        first = begun.frozen("dedupe", point, log="dedupe-frozen")
        second = begun.start("dedupe", log="dedupe-second")
        wait_until(lambda: not undone(installation, "dedupe"), "another worker takes over and goes on", 90)
        assert begun.wake(first, seconds=60) == EXIT_IO
        assert second.poll() is None
    faults = stage_faults(evidence_of(installation, "dedupe"), "dedupe")
    assert not faults, shown(faults)


def test_every_failpoint_is_reached_by_some_test():
    """The names of those that are not reached above stand in a test on the real servers of their owner."""
    texts = [file.read_text(encoding="utf-8") for file in Path(__file__).parent.parent.rglob("test_*.py")]
    words = "\n".join(text for text in texts if "mark.servers" in text)
    here = {"dedupe", "enrich", "reenrich", "cluster", "index"}
    missing = [
        f"{stage}.{point}"
        for stage, points in FAILPOINTS.items()
        for point in points
        if stage not in here and f"{stage}.{point}" not in words and f'FAILPOINTS["{stage}"]' not in words
    ]
    assert missing == []

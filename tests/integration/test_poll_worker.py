"""The poller on a real Kafka and the newsstand: killed at every failpoint, one of two killed, one frozen and woken."""

import os
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.newsstand.expectations import expectations
from producers.canonical import article_id
from producers.records import PendingPage, decode_record
from schemas import kafka_topics
from schemas.codec import decode_fetched
from schemas.failpoints import FAILPOINTS
from schemas.messages import FetchedArticle
from tests.integration.open_newsstand import open_newsstand
from tests.services import Installation, end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

READ = {article_id(e.url): e for e in expectations() if e.disposition in {"indexed", "not_french"}}


def readings(installation: Installation) -> dict[str, list[FetchedArticle]]:
    """What was published of each article, in its order."""
    found: dict[str, list[FetchedArticle]] = defaultdict(list)
    for record in installation.records(kafka_topics.FETCHED):
        message = decode_fetched(record.value)
        assert isinstance(message, FetchedArticle)
        found[message.article_id].append(message)
    return found


def pending_pages(installation: Installation) -> list[PendingPage]:
    """The outbox as the compacted topic has it."""
    last = {record.key: record.value for record in installation.records(kafka_topics.FEEDS_STATE)}
    records = [decode_record(key.decode(), value) for key, value in last.items() if key and value]
    return [record for record in records if isinstance(record, PendingPage)]


def everything_published(installation: Installation) -> bool:
    return READ.keys() <= readings(installation).keys()


def shortcomings(installation: Installation) -> list[str]:
    """What is not as it must be once everything is published; repeated readings are dedupe's affair."""
    found = readings(installation)
    missing = [READ[key].name for key in READ.keys() - found.keys()]
    back = [READ[key].name for key, made in found.items() if key in READ and _goes_back(made)]
    return [f"{name} is missing" for name in missing] + [f"{name} goes back" for name in back]


def _goes_back(made: list[FetchedArticle]) -> bool:
    return made[-1].reading < max(message.reading for message in made)


@pytest.fixture
def reading(installation: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose poller reads an open newsstand."""
    with open_newsstand(tmp_path) as (_, settings):
        installation.settings |= settings | {"KIOSQUE_SESSION_TIMEOUT_SECONDS": "3"}
        yield installation


def test_poller_killed_at_every_failpoint_publishes_everything(reading: Installation):
    for point in FAILPOINTS["poll"]:
        poller = reading.start("poll", failpoint=f"poll.{point}")
        try:
            assert poller.wait(90) == -signal.SIGKILL, point
        finally:
            end(poller, signal.SIGKILL)
    poller = reading.start("poll")
    try:
        wait_until(lambda: everything_published(reading), "all articles", seconds=120)
        wait_until(lambda: not pending_pages(reading), "an empty outbox", seconds=120)
    finally:
        end(poller)
    assert shortcomings(reading) == []


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen and woken"])
def test_feeds_of_a_silent_poller_move_to_the_other(reading: Installation, fate: signal.Signals):
    first = reading.start("poll", log="first")
    second = reading.start("poll", log="second")
    try:
        wait_until(lambda: len(readings(reading)) >= 3, "the first articles", seconds=90)
        first.send_signal(fate)
        wait_until(lambda: everything_published(reading), "all articles", seconds=120)
        if fate == signal.SIGSTOP:
            os.kill(first.pid, signal.SIGCONT)
        wait_until(lambda: not pending_pages(reading), "an empty outbox", seconds=120)
        assert second.poll() is None
    finally:
        end(second)
        end(first, signal.SIGKILL)
    assert shortcomings(reading) == []


def test_killed_poller_leaves_no_worker_process_behind(reading: Installation):
    poller = reading.start("poll")
    try:
        wait_until(lambda: readings(reading), "the first article", seconds=90)
        workers = _children(poller.pid)
        assert workers
    finally:
        end(poller, signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "its workers to end", seconds=20)


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]

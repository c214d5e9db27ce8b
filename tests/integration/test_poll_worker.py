"""The poller on a real Kafka and the newsstand: killed at every failpoint, one of two killed, one frozen and woken."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.newsstand.expectations import Expectation, expectations
from producers.canonical import article_id
from producers.records import PendingPage, decode_record
from schemas import kafka_topics
from schemas.failpoints import FAILPOINTS
from tests.faults.play import is_frozen
from tests.faults.published import newsstand_faults
from tests.faults.revisions import expected_items
from tests.integration.open_newsstand import open_newsstand
from tests.services import Installation, end, logs, wait_until

QUICK = {"KIOSQUE_SESSION_TIMEOUT_SECONDS": "2", "KIOSQUE_EXTRACT_WORKERS": "1"}
"""A killed poller's feeds must not wait for ten seconds, nor a start for many processes."""

pytestmark = [pytest.mark.servers, pytest.mark.slow]

CORRECTED = "phare-ouest.example"
"""The publisher of the corrected article, which is the newest in its feeds and therefore read first."""


@pytest.fixture
def reading(installation: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose poller reads an open newsstand."""
    with open_newsstand(tmp_path) as (_, settings):
        installation.settings |= settings | QUICK
        yield installation


def pending_pages(installation: Installation) -> list[PendingPage]:
    """The outbox as the compacted topic has it."""
    last = {record.key: record.value for record in installation.records(kafka_topics.FEEDS_STATE)}
    records = [decode_record(key.decode(), value) for key, value in last.items() if key and value]
    return [record for record in records if isinstance(record, PendingPage)]


def faults(installation: Installation, expected: Sequence[Expectation]) -> list[str]:
    """What is missing, wrong, or would become a revision that nobody made."""
    fetched = installation.records(kafka_topics.FETCHED)
    revisions = expected_items(fetched)
    return [
        *newsstand_faults(expected, fetched, installation.records(kafka_topics.TRACE)),
        *(f"{e.name} is revised" for e in expected if len(revisions.get(article_id(e.url), ())) > max(e.revision, 1)),
        *(f"{page.entry.url} is still pending" for page in pending_pages(installation)),
    ]


def test_poller_killed_at_every_failpoint_loses_nothing(reading: Installation):
    for point in FAILPOINTS["poll"]:
        poller = reading.start("poll", failpoint=f"poll.{point}")
        try:
            assert poller.wait(90) == -signal.SIGKILL, f"{point}\n{logs(reading, ['poll'])}"
        finally:
            end(poller, signal.SIGKILL)
    with reading.running("poll"):
        wait_until(lambda: not faults(reading, expectations()), "everything is published", seconds=120)
    assert faults(reading, expectations()) == []


def test_feeds_of_a_killed_poller_move_to_the_other(reading: Installation):
    first = reading.start("poll", log="first")
    second = reading.start("poll", log="second")
    try:
        wait_until(lambda: len(reading.records(kafka_topics.FETCHED)) >= 3, "the first articles", seconds=90)
        workers = _children(first.pid)
        end(first, signal.SIGKILL)
        wait_until(lambda: not faults(reading, expectations()), "everything is published", seconds=120)
        assert workers
        assert [pid for pid in workers if _is_alive(pid)] == []
        assert second.poll() is None
    finally:
        end(first, signal.SIGKILL)
        end(second)
    assert faults(reading, expectations()) == []


@pytest.mark.parametrize("point", ["after_page_answer", "after_pages_saved"])
def test_poller_that_wakes_up_when_another_has_its_feeds_changes_nothing(reading: Installation, point: str):
    """It holds what was announced and read before the correction, which the other has published by then."""
    expected = [e for e in expectations() if e.publisher == CORRECTED]
    feeds = reading.folder / "corrected.txt"
    feeds.write_text("".join(f"http://www.{CORRECTED}/rss/{name}.xml\n" for name in ("une", "sport")))
    reading.settings["KIOSQUE_FEEDS_FILE"] = str(feeds)
    with ExitStack() as pollers:
        frozen = reading.start("poll", log="frozen", failpoint=f"poll.{point}:1:freeze")
        pollers.callback(end, frozen, signal.SIGKILL)
        wait_until(lambda: is_frozen(frozen.pid), "it is frozen", seconds=90)
        other = reading.start("poll", log="other")
        pollers.callback(end, other, signal.SIGKILL)
        wait_until(lambda: not faults(reading, expected), "the other publishes everything", seconds=120)
        before = reading.records(kafka_topics.FETCHED)
        joined = _joined(reading, "frozen")
        os.kill(frozen.pid, signal.SIGCONT)
        wait_until(lambda: _joined(reading, "frozen") > joined, "the woken one joins anew", seconds=60)
        assert (frozen.poll(), other.poll()) == (None, None)
        assert end(frozen) == 0
    assert reading.records(kafka_topics.FETCHED) == before
    assert faults(reading, expected) == []


def _joined(installation: Installation, log: str) -> int:
    return (installation.folder / f"{log}.log").read_text(encoding="utf-8").count("partitions assigned")


def _children(parent: int) -> list[int]:
    """Direct children; those of all threads."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text(encoding="utf-8").split()]


def _is_alive(pid: int) -> bool:
    """Not ended; a zombie is, where nobody reaps orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

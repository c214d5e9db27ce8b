"""`kiosque replay` on the real servers: killed, stopped, taken over, and in the midst of corrections and news."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from itertools import pairwise

import pytest

from deploy.replay.backlog import Backlog
from deploy.replay.runs import ReplayRun, encode_run, run_key
from deploy.replay.selection import Selection
from processors.enrich import LABELS_RELEASE
from schemas import kafka_topics
from schemas.codec import decode_enriched, decode_tagged, decode_trace, encode
from schemas.failpoints import FAILPOINTS
from schemas.headers import REPLAY_OF, version_header
from schemas.messages import EnrichedArticle, TaggedArticle, UniqueArticle, run_of, version_of
from schemas.withdrawals import WithdrawalOrder, order_key
from sinks.elasticsearch import connect
from sinks.lookups import find_article
from tests.articles import NOON, enriched, tagged, unique
from tests.faults.evidence import at_rest
from tests.services import Installation, LogRecord, end, logs, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

FAST = ("--rate", "500")
TEXT = (
    "Le conseil municipal de Nantes a voté lundi soir le budget de la cantine scolaire du quartier {name}. "
    "Les parents demandaient depuis deux ans des repas cuisinés sur place, a rappelé Maëlle Kerdoncuff."
)
OLD = "2019.01-1"
Fed = EnrichedArticle | TaggedArticle | UniqueArticle


def replay(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", "replay", *arguments],
        env=installation.environment(),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def result(installation: Installation, *arguments: str) -> dict[str, object]:
    done = replay(installation, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def runs(installation: Installation) -> list[tuple[int, str, int]]:
    """Number, state and articles written of each run."""
    lines = replay(installation, "--list", "--json").stdout.splitlines()
    return [(run["run"], run["state"], run["written"]) for run in map(json.loads, lines)]


def feed(installation: Installation, topic: kafka_topics.KafkaTopic, messages: Iterable[Fed]) -> None:
    installation.produce(topic, [(message.article_id.encode(), encode(message)) for message in messages])


def sent(installation: Installation) -> Counter[int]:
    """Version -> records on articles.reenrich, with each article in a version counted once."""
    messages = [decode_tagged(record.value) for record in installation.records(kafka_topics.REENRICH)]
    found = Counter((message.article_id, message.version) for message in messages)
    assert set(found.values()) <= {1}, "an article was written twice in a run"
    return Counter(version for _, version in found)


def died(process: subprocess.Popen[bytes]) -> bool:
    try:
        return process.wait(60) == -signal.SIGKILL
    finally:
        end(process, signal.SIGKILL)


def test_killed_anywhere_a_run_goes_on_and_writes_each_article_once(installation: Installation):
    count = 40  # all runs together stay below what may wait for a worker: there is none
    feed(installation, kafka_topics.ENRICHED, [enriched(f"a{number}") for number in range(count)])
    assert replay(installation, "--resume").stderr.startswith("no replay is unfinished")
    expected = Counter()
    crashes = [(point, times) for point in FAILPOINTS["replay"] for times in (1, 3)]
    for run, (point, times) in enumerate(crashes, start=1):
        if point == "after_open" and times > 1:
            continue  # a run is opened once
        process = installation.start("replay", "--all", *FAST, failpoint=f"replay.{point}:{times}")
        assert died(process), f"{point} {times}: {logs(installation, ['replay'])}"
        opened = point != "after_send" or times > 1  # else it died within the transaction that opens the run
        refused = replay(installation, "--publisher", "phare-ouest.example") if opened else None
        if refused:
            assert refused.returncode == 2
            assert refused.stderr.endswith(
                "is not finished: go on with it (kiosque replay --resume) or give it up (kiosque replay --abandon).\n"
            )
        done = result(installation, "--resume" if opened else "--all", *FAST)
        assert (done["state"], done["read"], done["written"]) == ("finished", count, count), (point, times, run)
        expected[version_of(1, done["run"])] = count
        assert sent(installation) == expected
    assert sorted(expected) == [version_of(1, run) for run in range(1, len(expected) + 1)]
    assert asyncio.run(waiting(installation)) == expected.total() < installation.lag("reenrich").waiting


async def waiting(installation: Installation) -> int:
    """What a worker would have to do: without the markers and the aborted records that its lag counts."""
    backlog = Backlog(installation.stack.kafka, installation.prefix)
    try:
        await backlog.start()
        return await backlog.waiting()
    finally:
        await backlog.stop()


def test_stopped_taken_over_and_given_up(installation: Installation):
    count = 300
    feed(installation, kafka_topics.ENRICHED, [enriched(f"a{number}") for number in range(count)])

    def begun(log: str, *arguments: str) -> subprocess.Popen[bytes]:
        before = sent(installation).total()
        process = installation.start("replay", *arguments, "--rate", "10", log=log)
        wait_until(lambda: sent(installation).total() > before, "the first portion")
        return process

    assert end(begun("stopped", "--all")) == 130
    said = (installation.folder / "stopped.log").read_text()
    assert said.startswith("Run 1 was stopped: ")
    assert "It goes on with: kiosque replay --resume. No worker labels them; start one: kiosque reenrich." in said

    former = begun("former", "--resume")
    done = result(installation, "--resume", *FAST)
    assert (done["run"], done["state"], done["written"]) == (1, "finished", count)
    assert former.wait(60) == 2
    said = (installation.folder / "former.log").read_text()
    assert said == "another replay has taken over: leave the run to it, or see `kiosque replay --list`.\n"

    former = begun("given up", "--all")
    given_up = result(installation, "--abandon")
    assert former.wait(60) == 2
    assert runs(installation) == [(1, "finished", count), (2, "abandoned", given_up["written"])]
    assert sent(installation) == {version_of(1, 1): count, version_of(1, 2): given_up["written"]}


def test_selections_on_the_log(installation: Installation):
    feed(installation, kafka_topics.ENRICHED, [enriched(f"a{number}") for number in range(30)])
    feed(installation, kafka_topics.ENRICHED, [enriched("a7", revision=2)])
    forgotten = enriched("a9")
    installation.produce(kafka_topics.ENRICHED, [(enriched("a8").article_id.encode(), None), (b"x", b"{}")])
    order = WithdrawalOrder(scope="article", target=forgotten.article_id, requested_at=NOON)
    installation.produce(kafka_topics.WITHDRAWALS, [(order_key(order).encode(), encode(order))])

    one = result(installation, "--article", "http://www.phare-ouest.example/a7.html?utm_source=rss")
    assert (one["run"], one["selected"], one["written"]) == (1, 1, 1)
    nobody = result(installation, "--publisher", "autre.example")
    assert (nobody["selected"], nobody["unreadable"]) == (0, 1)
    before = result(installation, "--until", "2026-11-24")
    assert (before["selected"], before["written"]) == (0, 0)
    rest = result(installation, "--all", *FAST)
    counted = {name: rest[name] for name in ("run", "read", "repeated", "selected", "written", "withdrawn")}
    assert counted == {"run": 4, "read": 33, "repeated": 2, "selected": 29, "written": 28, "withdrawn": 1}
    assert sent(installation) == {version_of(2, 1): 1, version_of(1, 4): 27, version_of(2, 4): 1}


def test_run_of_another_topic_of_the_name_is_not_gone_on_with(installation: Installation):
    offsets = dict.fromkeys(range(kafka_topics.ENRICHED.partitions), 0)
    left = ReplayRun(
        run=9,
        selection=Selection(),
        started_at=NOON,
        topic_id="another",
        begin_offsets=offsets,
        end_offsets=offsets,
        next_offsets=offsets,
    )
    installation.produce(kafka_topics.REPLAYS, [(run_key(9), encode_run(left))])
    refused = replay(installation, "--resume")
    assert refused.returncode == 2
    assert refused.stderr == (
        "articles.enriched was made anew since run 9 began: give the run up: kiosque replay --abandon.\n"
    )
    assert result(installation, "--abandon")["state"] == "abandoned"
    assert result(installation, "--all")["run"] == 10


def named(name: str, make, *arguments, **changes) -> Fed:
    return make(name, *arguments, text=TEXT.format(name=name), **changes)


def tagged_versions(installation: Installation) -> list[tuple[str, int]]:
    """Article and version of each record of articles.tagged, in the order in which cluster takes them."""
    messages = (decode_tagged(record.value) for record in installation.records(kafka_topics.TAGGED))
    return [(message.article_id, message.version) for message in messages]


NAMES = [f"a{number}" for number in range(120)]
CORRECTED_BEFORE, CORRECTED_MEANWHILE, FORGOTTEN, LATE = NAMES[:5], NAMES[::10], NAMES[7], NAMES[11]
NEWS = [f"news{number}" for number in range(5)]
IDS = {name: unique(name).article_id for name in [*NAMES, *NEWS]}
EXPECTED = {
    **dict.fromkeys(NAMES, version_of(1, 1)),
    **dict.fromkeys(CORRECTED_BEFORE, version_of(2, 1)),
    **dict.fromkeys(CORRECTED_MEANWHILE, version_of(3, 0)),
    **dict.fromkeys(NEWS, version_of(1, 0)),
    FORGOTTEN: version_of(1, 0),
}


def test_replay_amid_corrections_and_news(installation: Installation):
    stages = ("enrich", "reenrich", "cluster", "index")
    with installation.running(*stages):
        feed(installation, kafka_topics.TAGGED, [named(name, tagged, labels_release=OLD) for name in NAMES])
        feed(installation, kafka_topics.UNIQUE, [named(name, unique, 2) for name in CORRECTED_BEFORE])
        at_rest(installation, *stages)
        order = WithdrawalOrder(scope="article", target=IDS[FORGOTTEN], requested_at=NOON)
        installation.produce(kafka_topics.WITHDRAWALS, [(order_key(order).encode(), encode(order))])

        slow = installation.start("replay", "--all", "--rate", "4")
        wait_until(lambda: len(tagged_versions(installation)) >= len(NAMES) + 20, "the first articles labelled anew")
        feed(installation, kafka_topics.UNIQUE, [named(name, unique, 3) for name in CORRECTED_MEANWHILE])
        feed(installation, kafka_topics.UNIQUE, [named(name, unique) for name in NEWS])
        at_rest(installation, "enrich")
        assert end(slow) == 130, "news was waited for until the replay had ended"
        done = result(installation, "--resume", *FAST)
        assert (done["written"], done["withdrawn"]) == (len(NAMES) - 1, 1)
        at_rest(installation, *stages)

        letter = LogRecord(0, 0, IDS[LATE].encode(), encode(named(LATE, unique)), ((REPLAY_OF, b"articles.dead:1:2"),))
        installation.produce_records(kafka_topics.UNIQUE, [letter])
        at_rest(installation, *stages)
    order_is_kept(installation)
    versions_are_right_and_never_went_back(installation)
    index_shows_the_new_labels(installation)
    letter_that_came_too_late_left_a_trace(installation)


def order_is_kept(installation: Installation) -> None:
    """News overtook the articles of the replay that were still to be labelled."""
    order = tagged_versions(installation)
    last_of_the_run = max(place for place, (_, version) in enumerate(order) if run_of(version) == 1)
    assert all(order.index((IDS[name], version_of(1, 0))) < last_of_the_run for name in NEWS)


def versions_are_right_and_never_went_back(installation: Installation) -> None:
    written = defaultdict(list)
    for record in installation.records(kafka_topics.ENRICHED):
        written[record.key.decode()].append((version_header(record.headers), decode_enriched(record.value)))
    assert set(written) == set(IDS.values())
    assert {name: written[IDS[name]][-1][0] for name in EXPECTED} == EXPECTED
    for versions in written.values():
        assert all(before[0] < after[0] for before, after in pairwise(versions))
        assert len({(message.story, message.accepted_at) for _, message in versions}) == 1


def index_shows_the_new_labels(installation: Installation) -> None:
    prefix = installation.index_prefix
    with closing(connect(installation.stack.elasticsearch)) as index:
        found = {name: find_article(index, article, index_prefix=prefix) for name, article in IDS.items()}
    assert {name: article.version for name, article in found.items()} == EXPECTED
    releases = {name: article.document["labels_release"] for name, article in found.items()}
    assert releases == dict.fromkeys(EXPECTED, LABELS_RELEASE) | {FORGOTTEN: OLD}


def letter_that_came_too_late_left_a_trace(installation: Installation) -> None:
    notes = [decode_trace(record.value) for record in installation.records(kafka_topics.TRACE)]
    (superseded,) = [note for note in notes if note.disposition == "superseded"]
    assert (superseded.stage, superseded.article_id) == ("cluster", IDS[LATE])
    assert superseded.detail.startswith("dead letter articles.dead:1:2;")

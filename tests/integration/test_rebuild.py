"""State that was lost or damaged is made again on real servers: no revision is counted anew, no version goes back."""

import subprocess
import sys
from collections import defaultdict

import pytest

from processors import cluster, dedupe
from processors.input_identity import IDENTITY_KEY
from schemas.codec import decode_unique, encode
from schemas.headers import version_header
from schemas.kafka_topics import ENRICHED, FETCHED, STATE_CLUSTER, STATE_DEDUPE, TAGGED, UNIQUE, KafkaTopic
from schemas.messages import FetchedArticle, UniqueArticle, Withdrawal, version_of
from tests.articles import NOON, TEXT, article_id, fetched, minutes
from tests.services import Installation, end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STAGES = ("dedupe", "enrich", "cluster")
GARBAGE = b"\x07later"
ENGLISH = (
    "The town council voted on Monday evening for the new budget of the school canteen, after two years of waiting. "
    "Parents had been asking for meals that are cooked on the spot instead of being delivered cold every morning."
)


def doctor(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", "doctor", *arguments],
        env=installation.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def reading(name: str, number: int, text: str | None = None) -> FetchedArticle:
    """The content `v{number}` of an article, read `number` minutes after noon."""
    text = text or f"{TEXT}\nÉtat numéro {number} de cet article, {name}."
    return fetched(name, text=text, reading=number, fetched_at=NOON + minutes(number))


def keyed(*messages: FetchedArticle | Withdrawal) -> list[tuple[bytes, bytes]]:
    return [(message.article_id.encode(), encode(message)) for message in messages]


def give(
    installation: Installation,
    workers: dict[str, "subprocess.Popen[bytes]"],
    *messages: FetchedArticle | Withdrawal,
) -> None:
    """Put readings on articles.fetched, one after another, and wait until all stages are done with them."""
    for message in messages:
        installation.produce(FETCHED, keyed(message))

    def done() -> bool:
        assert {name: worker.poll() for name, worker in workers.items()} == dict.fromkeys(workers)
        return installation.lag("dedupe").waiting == 0 and uniques_done(installation)

    wait_until(done, "all that dedupe let through is clustered or in another language", 120)


def uniques_done(installation: Installation) -> bool:
    expected = {
        key: version_of(message.revision, 0)
        for key, message in last_values(installation, UNIQUE, decode_unique).items()
        if not (isinstance(message, UniqueArticle) and message.text == ENGLISH)
    }
    reached = {record.key: version_header(record.headers) for record in installation.records(ENRICHED)}
    return expected == reached and installation.lag("cluster").waiting == 0


def last_values(installation: Installation, topic: KafkaTopic, decode) -> dict[bytes, object]:
    """The last value of each key that has one."""
    last = {record.key: record.value for record in installation.records(topic)}
    return {key: decode(value) for key, value in last.items() if value is not None and key != IDENTITY_KEY}


def lose(installation: Installation, topic: KafkaTopic) -> None:
    keys = {record.key for record in installation.records(topic)}
    installation.produce(topic, [(key, None) for key in keys])


def revisions(installation: Installation) -> dict[str, list[int]]:
    made = defaultdict(list)
    for record in installation.records(UNIQUE):
        message = decode_unique(record.value)
        made[message.article_id].append(message.revision)
    return dict(made)


def versions(installation: Installation) -> dict[bytes | None, list[int | None]]:
    written = defaultdict(list)
    for record in installation.records(ENRICHED):
        written[record.key].append(version_header(record.headers))
    return dict(written)


def test_lost_state_is_made_again(installation: Installation):
    gone = Withdrawal(article_id=reading("retire", 1).article_id, reason="withdrawn_by_publisher", requested_at=NOON)
    first = [*(reading(name, 1) for name in ("a", "b", "c", "retire")), reading("anglais", 1, ENGLISH)]
    with installation.running(*STAGES) as workers:
        give(installation, workers, *first, reading("a", 2), reading("b", 2), reading("b", 3), gone)
        refused = doctor(installation, "--rebuild-state", "--yes")
    assert refused.returncode == 2
    assert "dedupe and cluster still work: stop dedupe and cluster first" in refused.stderr
    known = last_values(installation, STATE_DEDUPE, dedupe.STATE.decode)
    stories = last_values(installation, STATE_CLUSTER, cluster.STATE.decode)
    assert (len(known), len(stories)) == (5, 4)

    lose(installation, STATE_DEDUPE)
    lose(installation, STATE_CLUSTER)
    assert doctor(installation, "--rebuild-state").returncode == 2  # nobody is there to be asked
    assert last_values(installation, STATE_DEDUPE, dedupe.STATE.decode) == {}
    rebuilt = doctor(installation, "--rebuild-state", "--yes")
    assert (rebuilt.returncode, rebuilt.stdout.splitlines()) == (
        0,
        [
            f"{installation.prefix}state.dedupe: 5 written, 0 kept, 0 tombstoned.",
            f"{installation.prefix}state.cluster: 4 written, 0 kept, 0 tombstoned.",
        ],
    )
    again = last_values(installation, STATE_DEDUPE, dedupe.STATE.decode)
    withdrawn = gone.article_id.encode()
    assert again.pop(withdrawn).withdrawn
    del known[withdrawn]
    assert again == known
    again = last_values(installation, STATE_CLUSTER, cluster.STATE.decode)
    assert {key: (one.version, one.story_id, one.relation) for key, one in again.items()} == {
        key: (one.version, one.story_id, one.relation) for key, one in stories.items()
    }

    with installation.running(*STAGES) as workers:
        # all that was read once comes again, then contents that are new, or old ones read anew
        give(installation, workers, *first, reading("a", 2), reading("b", 2), reading("b", 3), reading("a", 4))
        give(installation, workers, fetched("b", text=reading("b", 2).text, reading=5, fetched_at=NOON + minutes(5)))
        give(installation, workers, reading("retire", 6), reading("c", 6))
    assert revisions(installation) == {
        article_id(f"http://www.phare-ouest.example/{name}.html"): numbers
        for name, numbers in {
            "a": [1, 2, 3],
            "b": [1, 2, 3, 4],
            "c": [1, 2],
            "retire": [1, 2],
            "anglais": [1],
        }.items()
    }
    assert all(made == sorted(set(made)) for made in versions(installation).values())
    third = doctor(installation, "--rebuild-state", "--yes").stdout.splitlines()
    assert third == [
        f"{installation.prefix}state.dedupe: 0 written, 5 kept, 0 tombstoned.",
        f"{installation.prefix}state.cluster: 0 written, 4 kept, 0 tombstoned.",
    ]


def test_damaged_state_stops_the_worker_until_it_is_rebuilt(installation: Installation):
    with installation.running(*STAGES) as workers:
        give(installation, workers, reading("a", 1), reading("b", 1), reading("a", 2))
    damaged, nobodys = reading("a", 1).article_id.encode(), article_id("nobody").encode()
    for topic in (STATE_DEDUPE, STATE_CLUSTER):
        installation.produce(topic, [(damaged, GARBAGE), (nobodys, GARBAGE), (b"\xff\xfe", GARBAGE)])
    installation.produce(FETCHED, keyed(*(reading(name, 1) for name in "abcdefgh")))
    installation.produce(TAGGED, [(b"k", b"{}")])
    for stage in ("dedupe", "cluster"):
        worker = installation.start(stage)
        try:
            assert worker.wait(60) == 78
        finally:
            end(worker)
        said = (installation.folder / f"{stage}.log").read_text()
        assert f"a record on state.{stage} cannot be read" in said
        assert "kiosque doctor --rebuild-state" in said

    wait_until(lambda: "still" not in doctor(installation, "--rebuild-state").stderr, "the ended workers are forgotten")
    rebuilt = doctor(installation, "--rebuild-state", "--yes")
    assert rebuilt.stdout.splitlines() == [
        f"{installation.prefix}state.dedupe: 1 written, 1 kept, 2 tombstoned.",
        f"{installation.prefix}state.cluster: 1 written, 1 kept, 2 tombstoned.",
    ]
    with installation.running(*STAGES) as workers:
        give(installation, workers, reading("a", 3), reading("b", 2))
    of_a, of_b = (revisions(installation)[reading(name, 1).article_id] for name in ("a", "b"))
    assert (of_a, of_b) == ([1, 2, 3], [1, 2])
    assert all(made == sorted(set(made)) for made in versions(installation).values())

"""dedupe on a real Kafka, killed without warning: nothing lost, nothing twice, revisions right."""

import random
import signal
from collections import defaultdict
from datetime import timedelta

import pytest
from kafka import KafkaAdminClient

from deploy.kafka_setup import ensure_topics
from processors.dedupe import HORIZON
from processors.fingerprint import fingerprint
from processors.partition_writer import partition_of
from schemas import kafka_topics
from schemas.codec import decode_fetched, decode_unique, encode
from schemas.headers import dead_letter_of
from schemas.kafka_topics import full_name
from tests.articles import NOON, TEXT, fetched, minutes
from tests.services import Installation, end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ARTICLES = 150
READINGS = 1_200


def readings(seed: int) -> list[tuple[bytes, bytes]]:
    """Each article again and again, its content going v1, v2, v1 …, each reading later than the one before."""
    rng = random.Random(seed)
    made = []
    for number in range(READINGS):
        name = f"article{rng.randrange(ARTICLES)}"
        text = f"{TEXT}\nÉtat {rng.choice('12')} de {name}."
        message = fetched(name, text=text, fetched_at=NOON + minutes(number))
        made.append((message.article_id.encode(), encode(message)))
    return made


def revisions_by_the_book(installation: Installation) -> dict[bytes, list[tuple[int, str]]]:
    """The oracle: read the input topic from its beginning, once, and number the changes."""
    expected: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    for _, _, key, value, _ in installation.records(kafka_topics.FETCHED):
        digest = fingerprint(decode_fetched(value))
        if not expected[key] or expected[key][-1][1] != digest:
            expected[key].append((len(expected[key]) + 1, digest))
    return expected


def revisions_made(installation: Installation) -> dict[bytes, list[tuple[int, str]]]:
    made: dict[bytes, list[tuple[int, str]]] = defaultdict(list)
    for _, _, key, value, _ in installation.records(kafka_topics.UNIQUE):
        message = decode_unique(value)
        made[key].append((message.revision, fingerprint(message)))
    return made


def done(installation: Installation) -> bool:
    lag = installation.lag("dedupe")
    return lag.waiting == 0 and lag.taken > 0


def test_kill_9_again_and_again_loses_nothing_and_doubles_nothing(installation: Installation):
    rng = random.Random(20261125)
    messages = readings(seed=1)
    worker = installation.start("dedupe")
    try:
        for start in range(0, READINGS, 300):
            installation.produce(kafka_topics.FETCHED, messages[start : start + 300])
            target = start + rng.randrange(50, 250)
            wait_until(lambda: installation.lag("dedupe").taken >= target, "dedupe takes messages")  # noqa: B023
            end(worker, signal.SIGKILL)
            worker = installation.start("dedupe")
        wait_until(lambda: done(installation), "dedupe commits everything")
    finally:
        end(worker)
    assert revisions_made(installation) == revisions_by_the_book(installation)


def test_hostile_records_become_dead_letters_and_the_next_message_goes_through(installation: Installation):
    good = fetched("bon")
    hostile = [(b"k", b"\xff\xfe\x00"), (b"k", b"{}"), (None, b"1"), (b"k", None), (b"wrong", encode(good))]
    installation.produce(kafka_topics.FETCHED, [*hostile, (good.article_id.encode(), encode(good))])
    with installation.running("dedupe"):
        wait_until(lambda: done(installation), "dedupe commits everything")
    dead = installation.records(kafka_topics.DEAD)
    as_they_came = {(key or b"", value) for key, value in hostile}
    assert len(dead) == len(hostile)
    assert {(key, value) for _, _, key, value, _ in dead} == as_they_came
    reasons = [dead_letter_of(headers).reason for *_, headers in dead]
    assert sorted(reasons) == ["invalid_message"] * 4 + ["wrong_key"]
    assert list(revisions_made(installation)) == [good.article_id.encode()]


def test_revision_carries_the_title_before_and_the_diff(installation: Installation):
    first = fetched("titre")
    later = fetched("titre", title="La cantine cuisinera enfin", text=TEXT + "\nAjout.", fetched_at=NOON + minutes(1))
    key = first.article_id.encode()
    with installation.running("dedupe"):
        installation.produce(kafka_topics.FETCHED, [(key, encode(first)), (key, encode(later))])
        wait_until(lambda: done(installation), "dedupe commits everything")
    changes = [decode_unique(value).change for _, _, _, value, _ in installation.records(kafka_topics.UNIQUE)]
    assert changes[0] is None
    assert (changes[1].kinds, changes[1].title_before) == (("title", "text"), first.title)
    assert changes[1].diff.endswith("+Ajout.")


def keyed(*messages):
    return [(message.article_id.encode(), encode(message)) for message in messages]


def test_input_topic_made_anew_neither_silences_nor_doubles(installation: Installation):
    """Its offsets begin at 0 again, so that everything on it would look like a redelivery."""
    before = [fetched(f"a{number}") for number in range(20)]
    with installation.running("dedupe"):
        installation.produce(kafka_topics.FETCHED, keyed(*before))
        wait_until(lambda: done(installation), "dedupe commits everything")
    admin = KafkaAdminClient(bootstrap_servers=installation.stack.kafka)
    admin.delete_topics([full_name(kafka_topics.FETCHED, installation.prefix)])
    admin.close()
    wait_until(lambda: ensure_topics(installation.stack.kafka, installation.prefix).created, "the topic is made anew")
    same = [fetched(f"a{number}", fetched_at=NOON + minutes(1)) for number in range(10)]
    other = [fetched(f"a{number}", text="Neuf.", fetched_at=NOON + minutes(1)) for number in range(10, 20)]
    with installation.running("dedupe"):
        installation.produce(kafka_topics.FETCHED, keyed(*same, *other))
        wait_until(lambda: done(installation), "dedupe commits everything")
    revisions = {key: [revision for revision, _ in made] for key, made in revisions_made(installation).items()}
    assert revisions == {a.article_id.encode(): [1] for a in before[:10]} | {
        a.article_id.encode(): [1, 2] for a in before[10:]
    }
    assert "input topic was made anew" in (installation.folder / "dedupe.log").read_text()


def test_old_articles_are_forgotten_when_a_worker_takes_over(installation: Installation):
    old = fetched("old", fetched_at=NOON - HORIZON - timedelta(days=1))
    with installation.running("dedupe"):
        installation.produce(kafka_topics.FETCHED, keyed(old, fetched("new")))
        wait_until(lambda: done(installation), "dedupe commits everything")
    same_partition = next(f for n in range(99) if partition(f := fetched(f"n{n}", fetched_at=NOON)) == partition(old))
    for _ in range(2):  # forgotten at the take-over after the one that saw the newer article
        with installation.running("dedupe"):
            installation.produce(kafka_topics.FETCHED, keyed(same_partition))
            wait_until(lambda: done(installation), "dedupe commits everything")
    state = {key: value for _, _, key, value, _ in installation.records(kafka_topics.STATE_DEDUPE)}
    assert state[old.article_id.encode()] is None
    assert state[fetched("new").article_id.encode()] is not None


def partition(message):
    return partition_of(message.article_id.encode(), kafka_topics.FETCHED.partitions)


def test_state_that_cannot_be_read_stops_the_worker_with_one_sentence(installation: Installation):
    message = fetched()
    installation.produce(kafka_topics.STATE_DEDUPE, [(message.article_id.encode(), b"\x07later")])
    installation.produce(kafka_topics.FETCHED, keyed(message))
    worker = installation.start("dedupe")
    try:
        assert worker.wait(60) == 78
    finally:
        end(worker)
    log = (installation.folder / "dedupe.log").read_text()
    assert "kiosque doctor --rebuild-state" in log
    assert "Traceback" not in log

"""Dead letters on real servers, through real services: found, tried again once, superseded, back again, dropped."""

import json
import os
import subprocess
import sys

import pytest
from kafka import KafkaProducer

from schemas import kafka_topics
from schemas.codec import decode_enriched, decode_tagged, decode_trace, decode_unique, encode
from schemas.headers import dead_letter_headers, dead_letter_of, replay_of
from schemas.kafka_topics import DEAD, FETCHED, TAGGED, UNIQUE, KafkaTopic, full_name
from schemas.messages import DeadLetter, Trace
from sinks.elasticsearch import connect
from sinks.mapping import index_names
from tests.articles import NOON, TEXT, enriched, fetched, minutes, tagged, unique
from tests.services import Installation, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def kiosque(installation: Installation, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", "dead", *arguments],
        env=installation.environment() | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def listed(installation: Installation, *arguments: str) -> list[dict[str, object]]:
    result = kiosque(installation, "list", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def set_aside(installation: Installation, stage: str, topic: KafkaTopic, message, **changes) -> str:
    """Put a letter on articles.dead by hand, as `stage` would; returns its id."""
    letter = DeadLetter(
        **{
            "reason": "internal_error",
            "stage": stage,
            "detail": "Traceback (most recent call last):\nKeyError: 'x'",
            "kafka_topic": full_name(topic, installation.prefix),
            "partition": 0,
            "offset": 0,
            "at": NOON,
            **changes,
        }
    )
    key, value = (message.article_id.encode(), encode(message)) if not isinstance(message, tuple) else message
    producer = KafkaProducer(
        bootstrap_servers=installation.stack.kafka, compression_type="gzip", max_request_size=2**22
    )
    headers = dead_letter_headers([("trace", b"1")], letter)
    sent = producer.send(full_name(DEAD, installation.prefix), key=key, value=value, headers=headers).get(30)
    producer.close()
    return f"{sent.partition}:{sent.offset}"


def wait_taken(installation: Installation, stage: str, number: int) -> None:
    def taken() -> bool:
        lag = installation.lag(stage)
        return lag.taken >= number and lag.waiting == 0

    wait_until(taken, f"{stage} takes {number}", 120)


def test_hostile_record_is_listed_shown_and_dropped(installation: Installation):
    installation.produce(FETCHED, [(b"k", b"\xff\xfe"), (b"k", b"{}"), (None, b"1")])
    with installation.running("dedupe"):
        wait_taken(installation, "dedupe", 3)
    letters = listed(installation)
    assert [(one["stage"], one["reason"], one["attempts"]) for one in letters] == [("dedupe", "invalid_message", 1)] * 3
    assert [one["key"] for one in listed(installation, "--article", "k")] == ["k", "k"]
    assert listed(installation, "--stage", "enrich") == []
    binary = next(str(one["id"]) for one in letters if one["key"] == "k" and one["bytes"] == 2)
    shown = kiosque(installation, "show", binary).stdout
    assert "00000000  ff fe" in shown
    assert f"from        {installation.prefix}articles.fetched, partition" in shown

    table = kiosque(installation, "list", "--limit", "2").stdout
    assert "The newest 2 of 3 letters are shown" in table
    dropped = kiosque(installation, "drop", "--article", "k", "--limit", "1", "--yes", "--json")
    assert [json.loads(line)["how"] for line in dropped.stdout.splitlines()] == ["dropped"]
    assert len(listed(installation)) == 2
    assert kiosque(installation, "drop", "--everything").returncode == 2  # nobody is there to be asked
    assert len(listed(installation)) == 2
    assert kiosque(installation, "drop", "--everything", "-y").stdout == "2 letters dropped.\n"
    assert listed(installation) == []
    assert [one["closed"]["how"] for one in listed(installation, "--all")] == ["dropped"] * 3
    assert kiosque(installation, "drop", "--everything", "-y").returncode == 1
    assert "state       dropped" in kiosque(installation, "show", binary).stdout


def test_killed_between_sending_and_closing_the_letter_goes_through_once_all_the_same(installation: Installation):
    message = fetched("deux-fois")
    letter = set_aside(installation, "dedupe", FETCHED, message)
    killed = kiosque(installation, "replay", letter, "--yes", KIOSQUE_FAILPOINT="dead.after_resend")
    assert killed.returncode == -9
    assert [one["id"] for one in listed(installation)] == [letter]
    assert kiosque(installation, "replay", letter, "--yes").stdout == "1 letter replayed.\n"
    assert listed(installation) == []
    with installation.running("dedupe"):
        wait_taken(installation, "dedupe", 2)
    (record,) = installation.records(UNIQUE)
    assert decode_unique(record[3]).article_id == message.article_id
    sent = installation.records(FETCHED)
    assert [replay_of(headers) for *_, headers in sent] == [f"articles.dead:{letter}"] * 2
    assert [(name, value) for name, value in sent[0][4] if name == "trace"] == [("trace", b"1")]


def test_a_letter_older_than_what_is_known_is_superseded(installation: Installation):
    old = fetched("vieille", text=TEXT + "\nPremier état.")
    new = fetched("vieille", text=TEXT + "\nDeuxième état.", fetched_at=NOON + minutes(5))
    letter = set_aside(installation, "dedupe", FETCHED, old)
    with installation.running("dedupe"):
        installation.produce(FETCHED, [(new.article_id.encode(), encode(new))])
        wait_taken(installation, "dedupe", 1)
        replayed = kiosque(installation, "replay", "--url", old.url + "?utm_source=x", "--yes", "--json")
        wait_taken(installation, "dedupe", 2)
    assert json.loads(replayed.stdout) == {
        "id": letter,
        "how": "replayed",
        "kafka_topic": full_name(FETCHED, installation.prefix),
    }
    assert [decode_unique(record[3]).text for record in installation.records(UNIQUE)] == [new.text]
    traces = [decode_trace(record[3]).disposition for record in installation.records(kafka_topics.TRACE)]
    assert sorted(traces) == ["accepted", "superseded"]
    assert listed(installation) == []


def test_a_letter_that_fails_again_comes_back_with_its_history(installation: Installation):
    letter = set_aside(installation, "dedupe", FETCHED, (b"cle", b"{"), reason="invalid_message", attempts=1)
    foreign = set_aside(installation, "dedupe", kafka_topics.ENRICHED, (b"cle", b"{"))
    unreadable = set_aside(installation, "nowhere", FETCHED, (b"vide", None))
    with installation.running("dedupe"):
        result = kiosque(installation, "replay", "--everything", "--yes")
        wait_taken(installation, "dedupe", 1)
    assert result.stdout == "1 letter replayed.\n"
    assert result.returncode == 1
    assert f"Letter {foreign} cannot go back: its header says dedupe read it from" in result.stderr
    assert f"Letter {unreadable} cannot go back: the header kiosque-dead-letter cannot be read" in result.stderr
    assert {str(one["id"]) for one in listed(installation)} >= {foreign, unreadable}
    (back,) = listed(installation, "--reason", "invalid_message")
    assert back["id"] != letter
    assert (back["attempts"], back["replay_of"]) == (2, f"articles.dead:{letter}")
    assert "was letter  articles.dead:" in kiosque(installation, "show", str(back["id"])).stdout
    assert kiosque(installation, "replay", unreadable, "--yes").returncode == 1
    assert kiosque(installation, "drop", foreign, unreadable, "--yes").returncode == 0


def test_letters_of_enrich_and_cluster_go_back_to_their_inputs(installation: Installation):
    of_enrich, of_cluster = unique("etiquettes"), tagged("histoire")
    set_aside(installation, "enrich", UNIQUE, of_enrich)
    set_aside(installation, "cluster", TAGGED, of_cluster)
    with installation.running("enrich", "cluster"):
        assert kiosque(installation, "replay", "--everything", "--yes").stdout == "2 letters replayed.\n"
        wait_taken(installation, "enrich", 1)
        wait_taken(installation, "cluster", 2)
    tags = [decode_tagged(record[3]).article_id for record in installation.records(TAGGED)]
    assert sorted(tags) == sorted([of_enrich.article_id, of_cluster.article_id])
    enriched = [decode_enriched(record[3]).article_id for record in installation.records(kafka_topics.ENRICHED)]
    assert sorted(enriched) == sorted([of_enrich.article_id, of_cluster.article_id])
    assert listed(installation) == []


def test_letters_of_index_are_written_to_elasticsearch(installation: Installation):
    article = enriched("index")
    note = Trace(trace_id="note", article_id=article.article_id, stage="poll", disposition="fetched", at=NOON)
    set_aside(installation, "index", kafka_topics.ENRICHED, article)
    set_aside(installation, "index", kafka_topics.TRACE, note)
    assert kiosque(installation, "replay", "--stage", "index", "--yes").stdout == "2 letters replayed.\n"
    names = index_names(installation.index_prefix)
    with connect(installation.stack.elasticsearch) as client:

        def indexed() -> bool:
            searched = client.options(ignore_status=(404, 503))  # absent, or its shard is about to start
            places = {names.articles: article.article_id, names.trace: note.trace_id}
            return all(searched.exists(index=index, id=document) for index, document in places.items())

        with installation.running("index"):
            wait_until(indexed, "both are in the index")
        client.indices.delete(index=list(names.indices), ignore_unavailable=True)
    assert listed(installation) == []


def test_the_largest_letter_can_be_replayed_and_an_empty_key_keeps_its_partition(installation: Installation):
    large = os.urandom(700_000)
    letter = set_aside(installation, "dedupe", FETCHED, (b"", large), detail="é" * 2000, partition=4)
    assert kiosque(installation, "replay", letter, "--yes").returncode == 0
    (sent,) = installation.records(FETCHED)
    assert (sent[0], sent[2], sent[3] == large) == (4, b"", True)
    assert dead_letter_of(sent[4]).attempts == 1
    shown = json.loads(kiosque(installation, "show", letter, "--json").stdout)
    assert shown["bytes"] == 700_000
    assert shown["closed"]["how"] == "replayed"

"""Versions, headers, codec, topics, reasons, metrics: what all rooms and subscribers rely on."""

from datetime import UTC, datetime
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import kafka_topics
from schemas.codec import (
    InvalidMessage,
    decode_enriched,
    decode_fetched,
    decode_trace,
    decode_withdrawal_order,
    encode,
)
from schemas.generate import documents, json_schema, main
from schemas.headers import (
    article_headers,
    dead_letter_headers,
    dead_letter_of,
    event_kind,
    version_header,
)
from schemas.kafka_topics import full_name, topic_config
from schemas.messages import DeadLetter, EnrichedArticle, revision_of, run_of, version_of
from schemas.metrics import METRICS, MetricName
from schemas.reasons import DISPOSITIONS, Disposition
from tests.articles import NOON, enriched, fetched


@given(revision=st.integers(1, 10_000), run=st.integers(0, 2**20 - 1))
def test_version_holds_revision_and_run(revision, run):
    version = version_of(revision, run)
    assert (revision_of(version), run_of(version)) == (revision, run)


@given(a=st.tuples(st.integers(1, 99), st.integers(0, 99)), b=st.tuples(st.integers(1, 99), st.integers(0, 99)))
def test_versions_order_by_revision_then_run(a, b):
    assert (version_of(*a) < version_of(*b)) == (a < b)


@pytest.mark.parametrize(("revision", "run"), [(0, 0), (1, -1), (1, 2**20)])
def test_impossible_version_is_refused(revision, run):
    with pytest.raises(ValueError, match="no version"):
        version_of(revision, run)


@pytest.mark.parametrize(
    ("version", "kind"),
    [(version_of(1, 0), "created"), (version_of(2, 0), "revised"), (version_of(2, 1), "relabelled")],
)
def test_event_kind_follows_from_the_version(version, kind):
    assert event_kind(version) == kind


def test_headers_are_cloudevents():
    headers = dict(article_headers("0" * 32, version_of(2, 0), "http://x.example/é", datetime(2026, 1, 2, tzinfo=UTC)))
    assert headers["ce_id"] == f"{'0' * 32}:{2 << 20}".encode()
    assert headers["ce_type"] == b"fr.kiosque.article.revised.v1"
    assert headers["ce_time"] == b"2026-01-02T00:00:00Z"
    assert version_header(list(headers.items())) == 2 << 20


@pytest.mark.parametrize("headers", [None, [], [("kiosque_version", b"x")], [("kiosque_version", b"")]])
def test_unreadable_version_is_none(headers):
    assert version_header(headers) is None


def test_dead_letter_travels_behind_the_original_headers():
    letter = DeadLetter(reason="wrong_key", stage="dedupe", detail="…", kafka_topic="t", partition=1, offset=2, at=NOON)
    once = dead_letter_headers([("a", b"1")], letter)
    twice = dead_letter_headers(once, msgspec.structs.replace(letter, attempts=2))
    assert [name for name, _ in twice] == ["a", "kiosque-dead-letter"]
    assert dead_letter_of(twice).attempts == 2
    assert dead_letter_of([("a", b"1")]) is None


@given(title=st.text(), text=st.none() | st.text(), authors=st.lists(st.text(), max_size=3))
def test_message_survives_the_wire(title, text, authors):
    message = enriched(title=title, text=text, authors=tuple(authors))
    assert decode_enriched(encode(message)) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_invalid(data):
    with pytest.raises(InvalidMessage):
        decode_fetched(data)


def test_equal_messages_are_equal_bytes():
    assert encode(fetched()) == encode(fetched())


def test_generated_files_are_what_the_code_says():
    assert main(["--check"]) == 0


def test_nullable_fields_have_a_list_of_types():
    assert all(b"anyOf" not in content for content in documents().values())
    schema = json_schema(EnrichedArticle)
    assert schema["properties"]["text"]["type"] == ["string", "null"]
    assert schema["properties"]["image"]["type"] == ["object", "null"]


def test_topics_are_those_of_the_design():
    partitions = {topic.name: topic.partitions for topic in kafka_topics.ALL}
    assert partitions == {
        "articles.fetched": 6,
        "articles.unique": 6,
        "articles.reenrich": 1,
        "articles.tagged": 1,
        "articles.enriched": 6,
        "articles.trace": 3,
        "articles.dead": 3,
        "articles.redelivered": 1,
        "replays": 1,
        "alerts": 3,
        "feeds.state": 12,
        "withdrawals": 1,
        "state.dedupe": 6,
        "state.cluster": 1,
    }


@pytest.mark.parametrize("topic", kafka_topics.ALL, ids=lambda topic: topic.name)
def test_topic_is_compacted_or_expires(topic):
    config = topic_config(topic)
    assert topic.compacted != (topic.retention_days is not None)
    assert config["cleanup.policy"] == ("compact" if topic.compacted else "delete")
    assert full_name(topic, "test.") == f"test.{topic.name}"


def test_every_disposition_is_explained():
    assert set(DISPOSITIONS) == set(get_args(Disposition))


def test_every_metric_name_is_defined_once():
    names = [metric.name for metric in METRICS]
    assert sorted(names) == sorted(get_args(MetricName))


@pytest.mark.parametrize("decode", [decode_enriched, decode_trace, decode_withdrawal_order, decode_fetched])
@pytest.mark.parametrize("value", [b"{}", b'{"type":""}', b'{"type":null}'])
def test_message_says_its_type(decode, value):
    with pytest.raises(InvalidMessage, match="type"):
        decode(value)


def test_message_without_its_type_is_none_though_all_else_is_there():
    whole = msgspec.json.decode(encode(enriched()))
    del whole["type"]
    with pytest.raises(InvalidMessage, match="type"):
        decode_enriched(msgspec.json.encode(whole))

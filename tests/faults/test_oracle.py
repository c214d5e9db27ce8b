"""The oracle is silent when all is right, and says it when one thing is wrong: every kind of damage, one at a time."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from deploy.newsstand.expectations import expectations
from schemas import kafka_topics
from schemas.codec import decode_enriched, decode_unique, encode
from schemas.headers import article_headers
from schemas.kafka_topics import KafkaTopic
from schemas.messages import TaggedArticle, version_of
from schemas.withdrawals import WithdrawalOrder, order_key
from tests.articles import NOON
from tests.faults.documents import Index
from tests.faults.feeding import fed, fetched_life, id_of, reading, withdrawal
from tests.faults.oracle import Evidence, faults
from tests.faults.published import acknowledged_faults, newsstand_faults
from tests.faults.simulation import Simulation
from tests.services import LogRecord


@pytest.fixture(scope="module")
def right() -> Evidence:
    simulation = Simulation()
    simulation.publish(fetched_life(0))
    simulation.publish([(b"cle", b"{}"), *fetched_life(1)])
    return simulation.run().evidence()


def test_it_is_silent_when_all_is_right(right: Evidence):
    assert faults(right) == []


Change = Callable[[list[LogRecord]], list[LogRecord]]


def changed(evidence: Evidence, topic: KafkaTopic, change: Change) -> Evidence:
    return replace(evidence, topics=evidence.topics | {topic.name: change(list(evidence.of(topic)))})


def without(name: str, which: int = -1) -> Change:
    def change(records: list[LogRecord]) -> list[LogRecord]:
        found = [number for number, record in enumerate(records) if record.key == id_of(name).encode()]
        return [record for number, record in enumerate(records) if number != found[which]]

    return change


def doubled(name: str, which: int = -1) -> Change:
    def change(records: list[LogRecord]) -> list[LogRecord]:
        found = [record for record in records if record.key == id_of(name).encode()]
        return [*records, found[which]]

    return change


def swapped(name: str) -> Change:
    def change(records: list[LogRecord]) -> list[LogRecord]:
        first, second = [number for number, record in enumerate(records) if record.key == id_of(name).encode()][:2]
        records[first], records[second] = records[second], records[first]
        return records

    return change


def renumbered(name: str) -> Change:
    def change(records: list[LogRecord]) -> list[LogRecord]:
        for number, record in enumerate(records):
            if record.key == id_of(name).encode():
                message = msgspec.structs.replace(decode_unique(record.value), revision=7)
                records[number] = record._replace(value=encode(message))
                break
        return records

    return change


def retold(name: str) -> Change:
    def change(records: list[LogRecord]) -> list[LogRecord]:
        for number, record in enumerate(records):
            if record.key == id_of(name).encode():
                message = msgspec.structs.replace(decode_unique(record.value), text="Autre chose.")
                records[number] = record._replace(value=encode(message))
                break
        return records

    return change


@pytest.mark.parametrize(
    ("topic", "change", "sentence"),
    [
        (kafka_topics.UNIQUE, without("1-d"), "revision 3 is missing on articles.unique"),
        (kafka_topics.UNIQUE, without("0-a"), "withdrawal 3 is missing on articles.unique"),
        (kafka_topics.UNIQUE, doubled("1-d"), "revision 3 is on articles.unique twice"),
        (kafka_topics.UNIQUE, swapped("1-d"), "articles.unique is out of order: revision 2, revision 1, revision 3"),
        (kafka_topics.UNIQUE, renumbered("1-d"), "articles.unique has a revision 7 that nobody published"),
        (
            kafka_topics.UNIQUE,
            retold("1-d"),
            "articles.unique has a revision 1 with a content that was never published under that number",
        ),
        (kafka_topics.TAGGED, without("1-d"), "revision 3 is missing on articles.tagged"),
        (kafka_topics.TAGGED, without("0-a"), "withdrawal is missing on articles.tagged"),
        (kafka_topics.ENRICHED, without("1-d"), "revision 3 is missing on articles.enriched"),
        (kafka_topics.ENRICHED, without("1-d"), "articles.enriched ends with revision 2, not with revision 3"),
        (kafka_topics.ENRICHED, without("0-a"), "the withdrawal is missing on articles.enriched"),
        (kafka_topics.ENRICHED, without("0-a"), "is not withdrawn on articles.enriched"),
        (kafka_topics.ENRICHED, doubled("1-d"), "revision 3 is on articles.enriched twice"),
        (kafka_topics.ENRICHED, doubled("1-d", 0), "versions on articles.enriched go back to revision 1"),
        (kafka_topics.ENRICHED, doubled("0-a", 0), "versions on articles.enriched go back to revision 1"),
        (kafka_topics.DEAD, lambda _: [], "articles.fetched 0:26: cannot be processed"),
    ],
)
def test_damage_on_a_topic_is_noticed(right: Evidence, topic: KafkaTopic, change: Change, sentence: str):
    found = faults(changed(right, topic, change))
    assert any(sentence in fault for fault in found), found


def test_article_that_came_from_nowhere_is_noticed(right: Evidence):
    stranger = fed(reading("etranger", "1", 0))
    simulation = Simulation()
    simulation.publish(stranger)
    extra = simulation.run().evidence()
    for topic, sentence in (
        (kafka_topics.UNIQUE, "articles.unique has a revision 1 that nobody published"),
        (kafka_topics.TAGGED, "articles.tagged has a revision 1 that nobody asked for"),
        (kafka_topics.ENRICHED, "articles.enriched has revision 1, which it must not have"),
    ):
        found = faults(changed(right, topic, lambda records, topic=topic: [*records, *extra.of(topic)]))
        assert f"{id_of('etranger')[:8]}: {sentence}" in found


def test_version_of_an_aborted_transaction_is_noticed(right: Evidence):
    def accepted_later(records: list[LogRecord]) -> list[LogRecord]:
        for number, record in enumerate(records):
            message = (
                msgspec.json.decode(record.value, type=TaggedArticle | None, strict=False) if record.value else None
            )
            if isinstance(message, TaggedArticle):
                other = msgspec.structs.replace(message, accepted_at=NOON.replace(year=2030))
                records[number] = record._replace(value=encode(other))
                break
        return records

    found = faults(changed(right, kafka_topics.TAGGED, accepted_later))
    assert any("is not the one that dedupe accepted" in fault for fault in found)


def test_article_after_its_withdrawal_is_noticed(right: Evidence):
    def come_back(records: list[LogRecord]) -> list[LogRecord]:
        key = id_of("0-a").encode()
        message = decode_enriched(next(r.value for r in records if r.key == key))
        version = version_of(9, 0)
        value = encode(msgspec.structs.replace(message, revision=9, version=version))
        headers = article_headers(message.article_id, version, message.url, NOON)
        return [*records, LogRecord(0, len(records), key, value, tuple(headers))]

    found = faults(changed(right, kafka_topics.ENRICHED, come_back))
    assert f"{id_of('0-a')[:8]}: revision 9 follows the withdrawal on articles.enriched" in found


def test_wrong_index_is_noticed(right: Evidence):
    key, gone = id_of("1-d"), id_of("0-a")
    version, source = right.index.articles[key]
    trace_id = next(id_ for id_, (_, trace) in right.index.traces.items() if trace["article_id"] == key)

    def index(**parts: dict[str, tuple[int, dict[str, object]]]) -> list[str]:
        return faults(replace(right, index=replace(right.index, **parts)))

    def less(stored: dict[str, object], id_: str) -> dict[str, object]:
        return {name: value for name, value in stored.items() if name != id_}

    articles, revisions, traces = (
        dict(part) for part in (right.index.articles, right.index.revisions, right.index.traces)
    )
    short = key[:8]
    assert index(articles=less(articles, key)) == [f"{short}: is missing in the index"]
    assert index(articles=articles | {gone: (version, source)}) == [f"{gone[:8]}: is in the index, but must not be"]
    old = (version_of(1, 0), source | {"version": version_of(1, 0)})
    assert index(articles=articles | {key: old})[0].startswith(f"{short}: the index holds version {version_of(1, 0)}")
    assert "another content" in index(articles=articles | {key: (version, source | {"title": "Autre"})})[0]
    assert "revision 2 is missing" in index(revisions=less(revisions, f"{key}:2"))[0]
    assert "but must not be" in index(revisions=revisions | {f"{gone}:1": (version, {})})[0]
    assert "not the last one" in index(revisions=revisions | {f"{key}:2": (3, {})})[0]
    assert index(traces=less(traces, trace_id))[0].startswith(f"{short}: its trace dedupe")
    assert index(traces=traces | {"f" * 32: (1, {})}) == ["trace ffffffff: is in the index, but on no topic"]


def test_dead_letter_without_reason_and_uncommitted_input_are_noticed(right: Evidence):
    good = right.of(kafka_topics.FETCHED)[0]
    letter = right.of(kafka_topics.DEAD)[0]
    header = letter.headers[-1][1].replace(b'"offset":26', b'"offset":0')
    wrong = LogRecord(0, 1, good.key, b"autre", ((letter.headers[-1][0], header),))
    found = faults(
        replace(changed(right, kafka_topics.DEAD, lambda held: [*held, wrong]), undone={"dedupe": 3, "index": 0})
    )
    assert any(fault.startswith("articles.fetched 0:0: is among the dead letters (invalid_message") for fault in found)
    assert "articles.fetched 0:0: its dead letter has other bytes" in found
    assert "dedupe has not committed 3 records of its input" in found
    assert not any(fault.startswith("index has") for fault in found)


def test_withdrawal_order_may_be_known_at_any_moment_but_must_win():
    order = WithdrawalOrder(scope="article", target=id_of("secret"), requested_at=NOON)
    readings = fed(reading("secret", "1", 0), reading("secret", "2", 1), reading("secret", "1", 2))
    for known_from in range(3):
        simulation = Simulation()
        simulation.publish(readings[:known_from])
        simulation.run()
        simulation.orders.load(order_key(order), order)
        simulation.publish([*readings[known_from:], *fed(withdrawal("secret"))])
        held = simulation.run().evidence()
        assert faults(held) == [], known_from
        forgotten = Index(held.index.articles | {id_of("secret"): (1, {})}, held.index.revisions, held.index.traces)
        assert faults(replace(held, index=forgotten)) == [f"{id_of('secret')[:8]}: is in the index, but must not be"]


def test_order_that_never_took_effect_is_noticed():
    simulation = Simulation()
    simulation.publish(fed(reading("secret", "1", 0)))
    held = simulation.run().evidence()
    order = WithdrawalOrder(scope="article", target=id_of("secret"), requested_at=NOON)
    held.orders.load(order_key(order), order)
    found = faults(held)
    assert f"{id_of('secret')[:8]}: it must be withdrawn, but articles.enriched ends with revision 1" in found
    assert f"{id_of('secret')[:8]}: is in the index, but must not be" in found


def test_newsstand_articles_that_are_missing_or_forbidden_are_noticed():
    expected = expectations()
    found = newsstand_faults(expected, [], [])
    assert len(found) == len(expected)
    assert any("is missing on articles.fetched" in fault for fault in found)
    assert any("has no trace that says robots_disallowed" in fault for fault in found)


def test_acknowledged_reading_that_is_gone_is_noticed(right: Evidence):
    lost = fed(reading("perdu", "1", 0))
    assert acknowledged_faults(fetched_life(0), right.of(kafka_topics.FETCHED)) == []
    assert acknowledged_faults(lost, right.of(kafka_topics.FETCHED)) == [
        f"{id_of('perdu')[:8]}: a reading that Kafka acknowledged is missing on articles.fetched"
    ]

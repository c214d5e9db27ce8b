"""An installation made by the stages' own decisions: clean as it is, and whatever is taken or doubled is found."""

import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.audit.operation import Report
from schemas import kafka_topics
from schemas.codec import decode_trace, decode_unique
from schemas.headers import REPLAY_OF
from schemas.kafka_topics import KafkaTopic
from schemas.messages import UniqueArticle, Withdrawal, revision_of
from tests.deploy.audit.installation import NAMES, Installation, Stored, id_of, version_of_record

READ = st.tuples(
    st.just("read"),
    st.sampled_from(["a", "b", "c", "unwanted-d"]),
    st.sampled_from("123"),
    st.integers(0, 20),
    st.sampled_from(["Titre", "en: title", "faulty"]),
)
DO = st.tuples(st.sampled_from(["withdraw", "forget"]), st.sampled_from(["a", "b", "c", "z"]))
RUN = st.tuples(st.sampled_from(["run", "replay", "letters", "hostile", "dedupe", "enrich", "cluster"]))
STEPS = st.lists(st.one_of(READ, READ, READ, DO, RUN), min_size=1, max_size=25)


def played(steps: list[tuple]) -> Installation:
    """The installation after these steps, at rest."""
    made = Installation()
    for step in steps:
        play(made, *step)
    made.run()
    made.run()
    return made


def play(made: Installation, what: str, *arguments) -> None:
    actions: dict[str, Callable[..., None]] = {
        "read": made.publish,
        "withdraw": made.withdraw,
        "forget": made.forget,
        "run": made.run,
        "replay": made.replay,
        "letters": made.try_letters_again,
        "dedupe": made.dedupe,
        "enrich": made.enrich,
        "cluster": made.cluster,
        "hostile": lambda: made.write(kafka_topics.FETCHED, b"cle", b"{"),
    }
    actions[what](*arguments)


def audited(made: Installation, **changes: bool) -> Report:
    with TemporaryDirectory() as folder:
        return made.audited(Path(folder), **changes)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_what_the_stages_make_is_clean(steps: list[tuple]):
    made = played(steps)
    report = audited(made)
    assert {kind: [e.finding for e in examples] for kind, examples in report.examples.items()} == {}
    assert report.outcomes["under_way"] == 0
    assert audited(made, with_index=False).problems == {}


@given(STEPS, st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_nothing_is_wrong_with_what_is_under_way(steps: list[tuple], uncommitted: int):
    made = Installation()
    for step in steps:
        play(made, *step)
    made.uncommitted = uncommitted
    assert audited(made).problems == {}


@given(STEPS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_what_is_taken_away_or_doubled_is_found(steps: list[tuple], rng: random.Random):
    made = played(steps)
    damages = [*takeable(made), *doublable(made)]
    if damages:
        article, damage = rng.choice(damages)
        damage()
        report = audited(made)
        named = {example.finding.article_id for examples in report.examples.values() for example in examples}
        assert named == {article}


Damage = tuple[str, Callable[[], None]]


def takeable(made: Installation) -> list[Damage]:
    """Everything of which there must be one: article_id, and how to take it away."""
    records = [
        *(("articles.unique", record) for record in of(made, kafka_topics.UNIQUE) if not is_repeated(made, record)),
        *(("articles.trace", record) for record in of(made, kafka_topics.TRACE) if is_needed(made, record)),
        *(("articles.enriched", record) for record in last_enriched(made)),
        *(("articles.dead", record) for record in needed_letters(made)),
    ]
    damages = [(article_of(record), lambda t=topic, r=record: made.topics[t].remove(r)) for topic, record in records]
    for index in (NAMES.articles, NAMES.revisions):
        kept = made.store.documents[index]
        damages += [
            (id_[:32], lambda i=index, k=id_: made.store.documents[i].pop(k)) for id_ in kept if must_be(made, id_)
        ]
    return damages


def doublable(made: Installation) -> list[Damage]:
    """Everything of which there must not be two."""
    damages = []
    for record in of(made, kafka_topics.UNIQUE):
        if isinstance(unique_of(record), UniqueArticle) and not is_set_aside(made, "unique", record):
            damages.append((article_of(record), lambda r=record: again(made, kafka_topics.UNIQUE, r)))
    for record in last_enriched(made):
        if record.value is not None:
            damages.append((article_of(record), lambda r=record: again(made, kafka_topics.ENRICHED, r)))
    damages += [(id_, lambda k=id_: made.second_index.add(k)) for id_ in made.store.documents[NAMES.articles]]
    return damages


def again(made: Installation, topic: KafkaTopic, record: Stored) -> None:
    made.write(topic, record.key, record.value, record.headers)
    made._taken[topic.name] += 1


def of(made: Installation, topic: KafkaTopic) -> list[Stored]:
    """The records of our articles that are there for the first time."""
    return [
        record
        for record in made.topics[topic.name]
        if record.key != b"cle" and all(name != REPLAY_OF for name, _ in record.headers)
    ]


def is_repeated(made: Installation, record: Stored) -> bool:
    """Whether it is a withdrawal that is said twice, or one that a letter tried again stands for."""
    revision = unique_of(record).revision
    same = [one for one in made.topics["articles.unique"] if one.key == record.key]
    return sum(unique_of(one).revision == revision for one in same) > 1


def is_needed(made: Installation, record: Stored) -> bool:
    """Whether a trace is the only one that says what became of something that is still of interest."""
    message = decode_trace(record.value or b"")
    traces = [decode_trace(one.value or b"") for one in made.topics["articles.trace"]]
    if sum(one.trace_id == message.trace_id for one in traces) > 1:
        return False
    if message.stage == "dedupe":
        # Twice the same minute is the same attempt; after a withdrawal readings need no outcome.
        gone = any(one.article_id == message.article_id and one.disposition == "withdrawn" for one in traces)
        return stands_alone(made, record) or (not gone and is_the_only_answer(made, record))
    last = max(unique_of(one).revision for one in mine(made, "articles.unique", record))
    return message.disposition == "not_french" and message.revision == last


def stands_alone(made: Installation, record: Stored) -> bool:
    """Whether the trace announces a revision that enrich did not set aside."""
    revision = decode_trace(record.value or b"").revision
    announced = [one for one in mine(made, "articles.unique", record) if unique_of(one).revision == revision]
    return bool(announced) and not any(is_set_aside(made, "unique", one) for one in announced)


def is_the_only_answer(made: Installation, record: Stored) -> bool:
    """Whether no two readings of the article were made in the same minute."""
    times = [value.split(b'"fetched_at":')[1][:22] for *_, value, _ in mine(made, "articles.fetched", record) if value]
    return len(times) == len(set(times))


def last_enriched(made: Installation) -> list[Stored]:
    last = {record.key: record for record in of(made, kafka_topics.ENRICHED)}
    return [
        record
        for record in last.values()
        if not is_set_aside(made, "enriched", record)
        and sum(version_of_record(one) == version_of_record(record) for one in mine(made, "articles.enriched", record))
        == 1
    ]


def needed_letters(made: Installation) -> list[Stored]:
    """Letters of enrich about the last revision that were not tried again."""
    return [
        record
        for record in of(made, kafka_topics.DEAD)
        if made.topics["articles.dead"].index(record) >= made._taken["articles.dead"]
        and b'"type":"unique"' in (record.value or b"")
        and unique_of(record).revision == max(unique_of(one).revision for one in mine(made, "articles.unique", record))
    ]


def is_set_aside(made: Installation, topic: str, record: Stored) -> bool:
    place = f'"kafka_topic":"articles.{topic}","partition":{record.partition},"offset":{record.offset},'.encode()
    return any(place in value for one in made.topics["articles.dead"] for _, value in one.headers)


def must_be(made: Installation, id_: str) -> bool:
    """Whether a document is not there by a second chance only."""
    return not any(one.key == id_[:32].encode() for one in made.topics["articles.dead"])


def mine(made: Installation, topic: str, record: Stored) -> list[Stored]:
    return [one for one in made.topics[topic] if one.key == record.key]


def unique_of(record: Stored) -> UniqueArticle | Withdrawal:
    return decode_unique(record.value or b"")


def article_of(record: Stored) -> str:
    return (record.key or b"").decode()


def test_what_is_under_way_is_counted_and_not_judged():
    made = Installation()
    made.publish("a", "1", 0)
    made.run()
    made.publish("a", "2", 1)
    made.publish("b", "1", 1)
    made.dedupe()
    report = audited(made)
    assert (dict(report.outcomes), report.problems) == ({"under_way": 2}, {})


def test_findings_are_named_with_their_address():
    made = Installation()
    made.publish("a", "1", 0)
    made.run()
    made.store.documents[NAMES.articles].clear()
    (example,) = audited(made).examples["missing_in_index"]
    assert example.finding.article_id == id_of("a")
    assert example.url == "http://www.phare-ouest.example/a.html"


def test_letters_and_other_languages_are_outcomes():
    made = Installation()
    made.publish("a", "1", 0, title="faulty")
    made.publish("b", "1", 0, title="en: title")
    made.publish("unwanted-d", "1", 0)
    made.write(kafka_topics.FETCHED, b"cle", b"{")
    made.run()
    assert dict(audited(made).outcomes) == {"set_aside": 2, "not_french": 1}


@pytest.mark.parametrize("topic", [kafka_topics.FETCHED, kafka_topics.TAGGED])
def test_hostile_record_that_nobody_set_aside_is_named_by_its_place(topic: KafkaTopic):
    made = Installation()
    made.write(topic, b"cle", b"{")
    made._taken[topic.name] = 1
    (example,) = audited(made).examples["not_set_aside"]
    assert (example.finding.article_id, str(example.finding.place)) == (
        "",
        f"{topic.name} {example.finding.place[1]}:0",
    )


def test_revision_number_in_a_version():
    made = Installation()
    made.publish("a", "1", 0)
    made.publish("a", "2", 1)
    made.run()
    assert [revision_of(version_of_record(record)) for record in made.topics["articles.enriched"]] == [1, 2]

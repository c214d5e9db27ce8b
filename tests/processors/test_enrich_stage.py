"""articles.unique and articles.reenrich -> articles.tagged, record by record, without processes and without Kafka."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrich import LABELS_RELEASE, Labels, Tagger, unlabelled
from processors.enrich import tagged as tagged_with
from processors.enrich_failure import Failure
from processors.enrich_stage import enrich_effect, enrich_safely, reenrich_effect
from processors.records import Arrival
from processors.stages import Rejected
from schemas import kafka_topics
from schemas.articles import Change, Timeline
from schemas.codec import decode_tagged, decode_trace, encode
from schemas.headers import REPLAY_OF
from schemas.labels import Entities, Language, Places, Provenance, Quotes, Topics
from schemas.messages import TaggedArticle, UniqueArticle, Withdrawal, version_of
from tests.articles import NOON, enriched, fetched, minutes, tagged, unique

LATER = NOON + timedelta(days=30)
BRETON = "Kuzul-kêr en deus divizet dec’h da noz adneveziñ ar skol e karter an ti-gar e Kemper."
NEW_LABELS = Labels(
    Entities(person=("Maëlle Kerdoncuff",)),
    Places(),
    None,
    Topics(),
    (),
    Quotes(),
    {"lexicons": "2"},
    ("labels_from_x",),
)
FRENCH = Language(code="fr", confidence=1.0)


def arrival(message, headers=()):
    return Arrival(0, 7, message.article_id.encode(), encode(message), headers)


def of_a_run(run=3, revision=2, **changes):
    """What a replay sends: the enriched article of long ago, with old labels."""
    old = {
        "labels_release": "2019.01-1",
        "entities": Entities(person=("Jean Vieux",)),
        "provenance": Provenance(versions={"lexicons": "0"}, problems=("date_missing", "old_model_failed")),
        "problems": ("date_missing",),
        "change": Change(kinds=("title",), title_before="Avant"),
        "accepted_at": NOON - timedelta(days=2),
        "timeline": Timeline(
            published=NOON - timedelta(days=3),
            discovered=NOON - timedelta(days=2),
            fetched=NOON - timedelta(days=1),
            accepted=NOON - minutes(3),
            enriched=NOON - minutes(2),
            clustered=NOON - minutes(1),
        ),
    }
    return tagged("cantine", revision, run, **{**old, **changes})


def test_reenrichment_gives_new_labels_under_a_higher_version_and_changes_nothing_else(tagger: Tagger):
    before = of_a_run()
    effect = reenrich_effect(tagger, arrival(before), LATER)
    (record,) = effect.outputs
    after = decode_tagged(record.value)
    assert (effect.disposition, record.kafka_topic, record.key) == (
        "tagged",
        kafka_topics.TAGGED,
        before.article_id.encode(),
    )
    assert (after.version, after.revision, after.labels_release) == (version_of(2, 3), 2, LABELS_RELEASE)
    assert after.entities.person == ("Maëlle Kerdoncuff",)
    assert after.provenance.problems == ("date_missing",)
    labels = {
        name: getattr(after, name)
        for name in ("labels_release", "entities", "places", "primary_place", "topics", "quotes", "provenance")
    }
    timeline = msgspec.structs.replace(before.timeline, enriched=LATER, clustered=None)
    assert after == msgspec.structs.replace(before, timeline=timeline, **labels)


def test_reenriching_what_was_reenriched_changes_the_version_only(tagger: Tagger):
    (first,) = reenrich_effect(tagger, arrival(of_a_run(run=1)), LATER).outputs
    again = msgspec.structs.replace(decode_tagged(first.value), version=version_of(2, 2))
    (second,) = reenrich_effect(tagger, arrival(again), LATER).outputs
    assert decode_tagged(second.value) == again


def test_article_that_is_not_french_any_more_keeps_its_labels_and_leaves_a_trace(tagger: Tagger):
    message = of_a_run(text=BRETON)
    effect = reenrich_effect(tagger, arrival(message), LATER)
    (record,) = effect.outputs
    note = decode_trace(record.value)
    assert (effect.disposition, record.kafka_topic) == ("not_french", kafka_topics.TRACE)
    assert (note.stage, note.disposition, note.article_id, note.revision, note.at) == (
        "reenrich",
        "not_french",
        message.article_id,
        2,
        LATER,
    )
    assert note.detail.startswith("br")


def test_traces_of_two_runs_are_two(tagger: Tagger):
    traces = [reenrich_effect(tagger, arrival(of_a_run(run, text=BRETON)), LATER).outputs[0].value for run in (1, 1, 2)]
    assert len({decode_trace(value).trace_id for value in traces}) == 2


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(
            Withdrawal(article_id="0" * 32, reason="forgotten", requested_at=NOON), "a withdrawal", id="withdrawal"
        ),
        pytest.param(tagged("cantine"), "no re-enrichment of 1", id="live version"),
        pytest.param(of_a_run(version=version_of(1, 3)), "no re-enrichment of 2", id="version of another revision"),
        pytest.param(enriched("cantine", run=1), "Invalid value 'article'", id="enriched article"),
        pytest.param(unique("cantine"), "Invalid value 'unique'", id="unique article"),
        pytest.param(fetched("cantine"), "Invalid value 'fetched'", id="fetched article"),
    ],
)
def test_other_messages_on_the_topic_are_invalid(tagger: Tagger, message, reason):
    with pytest.raises(Rejected, match=reason) as caught:
        reenrich_effect(tagger, arrival(message), LATER)
    assert caught.value.reason == "invalid_message"


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[1]", b"{}"])
def test_bytes_that_are_no_message_are_a_failure_not_an_exception(tagger: Tagger, value):
    for stage in ("enrich", "reenrich"):
        failure = enrich_safely(stage, tagger, Arrival(0, 7, b"k", value), NOON.timestamp())
        assert isinstance(failure, Failure)
        assert failure.reason == "invalid_message"


def test_a_fault_of_ours_is_a_failure_with_its_traceback():
    failure = enrich_safely("reenrich", None, arrival(of_a_run()), NOON.timestamp())
    assert isinstance(failure, Failure)
    assert failure.reason == "internal_error"
    assert "AttributeError" in failure.detail


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        pytest.param(enrich_effect, unique(), id="enrich"),
        pytest.param(reenrich_effect, of_a_run(), id="reenrich"),
        pytest.param(
            enrich_effect,
            Withdrawal(article_id="0" * 32, reason="forgotten", requested_at=NOON, revision=1),
            id="withdrawal",
        ),
    ],
)
def test_that_a_dead_letter_is_tried_again_is_passed_on_and_nothing_else(tagger: Tagger, effect, message):
    again = (REPLAY_OF, b"articles.dead:1:42")
    first_time = effect(tagger, arrival(message, [("kiosque-dead-letter", b"{}")]), NOON)
    tried_again = effect(tagger, arrival(message, [("kiosque-dead-letter", b"{}"), again]), NOON)
    assert [record.headers for record in first_time.outputs] == [None]
    assert [record.headers for record in tried_again.outputs] == [[again]]


def test_live_article_has_run_0(tagger: Tagger):
    (record,) = enrich_effect(tagger, arrival(unique(revision=4)), LATER).outputs
    assert decode_tagged(record.value).version == version_of(4, 0)


MOMENTS = st.datetimes(min_value=(NOON - timedelta(days=999)).replace(tzinfo=None)).map(
    lambda naive: naive.replace(tzinfo=NOON.tzinfo)
)
CHANGES = st.none() | st.builds(
    Change, kinds=st.just(("text",)), title_before=st.none() | st.text(), diff=st.none() | st.text()
)


@st.composite
def unique_articles(draw) -> UniqueArticle:
    words = st.none() | st.text(max_size=20)
    return unique(
        draw(st.sampled_from(["un", "deux"])),
        revision=draw(st.integers(1, 1 << 30)),
        text=draw(words),
        standfirst=draw(words),
        problems=tuple(draw(st.lists(st.text(max_size=5), max_size=3))),
        keywords=tuple(draw(st.lists(st.text(max_size=5), max_size=3))),
        language_hint="fr",
        discovered_at=draw(MOMENTS),
        first_published_at=draw(st.none() | MOMENTS),
        published_at=draw(st.none() | MOMENTS),
        fetched_at=draw(MOMENTS),
        accepted_at=draw(MOMENTS),
        revised_at=draw(MOMENTS),
        change=draw(CHANGES),
    )


@given(article=unique_articles(), moment=MOMENTS, runs=st.lists(st.integers(0, (1 << 20) - 1), min_size=1, max_size=4))
def test_labels_come_off_as_they_went_on_however_often(article: UniqueArticle, moment, runs):
    message: TaggedArticle | None = None
    for run in runs:
        known = unlabelled(message) if message else article
        message = tagged_with(known, NEW_LABELS, NEW_LABELS.entities, FRENCH, now=moment, run=run)
        assert unlabelled(message) == article
        assert message.version == version_of(article.revision, run)
        assert message.provenance.problems == (*article.problems, "labels_from_x")
    assert encode(unlabelled(decode_tagged(encode(message)))) == encode(article)

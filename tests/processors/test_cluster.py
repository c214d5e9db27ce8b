"""articles.tagged -> articles.enriched, record by record, without Kafka."""

from datetime import timedelta

import pytest

from processors.cluster import ClusterMemory, ClusterStage
from processors.records import Arrival
from processors.stages import Effect, Rejected
from processors.state_format import StateFormatError
from schemas import kafka_topics
from schemas.articles import Timeline
from schemas.codec import decode_enriched, decode_trace, encode
from schemas.headers import REPLAY_OF, version_header
from schemas.labels import Story
from schemas.messages import Withdrawal, version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON, TEXT, minutes, tagged

STAGE = ClusterStage()
WINDOW = timedelta(hours=72)
NO_ORDERS = WithdrawalOrders()


@pytest.fixture
def memory() -> ClusterMemory:
    return ClusterMemory(WINDOW)


def deliver(memory, message, now=NOON, orders=NO_ORDERS, headers=()):
    arrival = Arrival(0, 0, message.article_id.encode(), encode(message), headers)
    effect = STAGE.effect(memory, arrival, orders, now)
    if effect.state is not None:
        memory.load(message.article_id.encode(), effect.state)
    return effect


def written(effect):
    """The message on articles.enriched and its version header; (None, version) for a tombstone."""
    (record,) = [o for o in effect.outputs if o.kafka_topic is kafka_topics.ENRICHED]
    return (decode_enriched(record.value) if record.value is not None else None), version_header(record.headers)


def test_first_article_founds_a_story(memory):
    message, version = written(deliver(memory, tagged("one"), NOON + minutes(1)))
    assert message.story == Story(id=tagged("one").article_id, relation="first")
    assert message.timeline.clustered == NOON + minutes(1)
    assert version == message.version == version_of(1, 0)


def test_copy_joins_the_story_of_what_it_copies_and_is_not_kept_for_comparison(memory):
    deliver(memory, tagged("one"))
    message, _ = written(deliver(memory, tagged("two")))
    assert message.story == Story(id=tagged("one").article_id, relation="copy")
    assert (len(memory), len(memory.stories)) == (2, 1)


def test_live_page_is_never_merged_by_its_text(memory):
    deliver(memory, tagged("one"))
    message, _ = written(deliver(memory, tagged("two", genre="live")))
    assert message.story.relation == "first"


def test_revision_keeps_its_story_whatever_it_says_now(memory):
    deliver(memory, tagged("one"))
    deliver(memory, tagged("two"))
    message, _ = written(deliver(memory, tagged("two", revision=2, text="Tout autre chose. " * 30)))
    assert message.story == Story(id=tagged("one").article_id, relation="copy")


@pytest.mark.parametrize(("revision", "run"), [(2, 1), (2, 0), (1, 5), (1, 0)])
def test_versions_never_go_back(memory, revision, run):
    deliver(memory, tagged("one", revision=2, run=1))
    assert deliver(memory, tagged("one", revision=revision, run=run)) == Effect()


@pytest.mark.parametrize(("revision", "run"), [(2, 2), (3, 0)])
def test_higher_versions_go_on(memory, revision, run):
    deliver(memory, tagged("one", revision=2, run=1))
    assert written(deliver(memory, tagged("one", revision=revision, run=run)))[1] == version_of(revision, run)


def test_withdrawal_is_a_tombstone_above_all_versions_and_for_good(memory):
    deliver(memory, tagged("one", revision=2, run=7))
    order = Withdrawal(article_id=tagged("one").article_id, reason="forgotten", requested_at=NOON, revision=2)
    assert written(deliver(memory, order)) == (None, version_of(2, 8))
    assert written(deliver(memory, order)) == (None, version_of(2, 8))
    assert deliver(memory, tagged("one", revision=9)) == Effect()
    message, _ = written(deliver(memory, tagged("two")))
    assert message.story.relation == "first"


def test_covered_by_an_order_is_withdrawn_though_it_was_on_its_way(memory):
    deliver(memory, tagged("one"))
    orders = WithdrawalOrders()
    order = WithdrawalOrder(scope="publisher", target="phare-ouest.example", requested_at=NOON)
    orders.load(order_key(order), order)
    assert written(deliver(memory, tagged("one", revision=2), orders=orders)) == (None, version_of(2, 0))
    assert written(deliver(memory, tagged("two"), orders=orders)) == (None, version_of(1, 0))
    assert deliver(memory, tagged("one", revision=3)) == Effect()


def test_dead_letter_tried_again_too_late_is_noted(memory):
    deliver(memory, tagged("one", revision=2))
    headers = ((REPLAY_OF, b"articles.dead:1:7"),)
    effect = deliver(memory, tagged("one", revision=1), headers=headers)
    (note,) = [decode_trace(o.value) for o in effect.outputs]
    assert (effect.disposition, effect.state, note.disposition) == ("superseded", None, "superseded")
    assert "articles.dead:1:7" in note.detail
    assert deliver(memory, tagged("one", revision=2), headers=headers) == Effect()


def test_articles_that_long_did_not_change_are_forgotten(memory):
    def changed(at):
        return Timeline(discovered=at, fetched=at, accepted=at, enriched=at)

    long_ago = NOON - timedelta(days=391)
    deliver(memory, tagged("old", accepted_at=long_ago, timeline=changed(long_ago)))
    deliver(memory, tagged("revised", accepted_at=long_ago, timeline=changed(NOON)))
    assert list(memory.stale(NOON)) == [tagged("old").article_id.encode()]


def test_restored_memory_decides_alike(memory):
    restored = ClusterMemory(WINDOW)
    for name in ("one", "two"):
        effect = deliver(memory, tagged(name))
        restored.load(tagged(name).article_id.encode(), effect.state)
    later = tagged("three", accepted_at=NOON + minutes(9))
    assert deliver(restored, later) == deliver(memory, later)
    assert deliver(restored, tagged("one")) == Effect()


def test_forgotten_state_makes_room_for_a_new_beginning(memory):
    deliver(memory, tagged("one"))
    memory.load(tagged("one").article_id.encode(), None)
    assert (len(memory), len(memory.stories)) == (0, 0)
    assert written(deliver(memory, tagged("two")))[0].story.relation == "first"


def test_article_without_text_stands_alone(memory):
    deliver(memory, tagged("one", text=None))
    message, _ = written(deliver(memory, tagged("two", text=None)))
    assert message.story.relation == "first"


def test_state_of_an_unknown_format_stops_the_stage(memory):
    with pytest.raises(StateFormatError, match="format is b'\\\\x02'"):
        memory.load(b"k", b"\x02anything")


def test_hostile_record_is_rejected(memory):
    with pytest.raises(Rejected) as caught:
        STAGE.effect(memory, Arrival(0, 0, b"k", encode(tagged("one", text=TEXT))), NO_ORDERS, NOON)
    assert caught.value.reason == "wrong_key"

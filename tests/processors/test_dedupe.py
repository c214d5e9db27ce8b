"""articles.fetched -> articles.unique, record by record, without Kafka."""

from datetime import timedelta

import msgspec
import pytest

from processors.dedupe import DedupeMemory, DedupeStage
from processors.input_identity import IDENTITY_KEY
from processors.records import Arrival
from processors.stages import Effect, FormerNeeded, Rejected
from processors.state_format import StateFormatError
from schemas import kafka_topics
from schemas.articles import Change
from schemas.codec import decode_trace, decode_unique, encode
from schemas.messages import Withdrawal
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON, TEXT, article_id, fetched, minutes, unique

STAGE = DedupeStage()
NO_ORDERS = WithdrawalOrders()


def arrival(message, offset, key=None):
    return Arrival(0, offset, (message.article_id if key is None else key).encode(), encode(message))


def deliver(memory, record, now=NOON, held=None, orders=NO_ORDERS):
    """Decide as the agent does: read the former record if asked, load the new state."""
    effect = STAGE.effect(memory, record, orders, now)
    if isinstance(effect, FormerNeeded):
        effect = effect.finish(held[effect.offset] if held else None)
    if effect.state is not None:
        memory.load(record.key, effect.state)
    return effect


def messages(effect):
    return [decode_unique(o.value) for o in effect.outputs if o.kafka_topic is kafka_topics.UNIQUE]


def test_first_sight_is_revision_1():
    effect = deliver(DedupeMemory(), arrival(fetched(), 0))
    assert messages(effect) == [unique(language_hint=None)]
    assert effect.disposition == "accepted"
    (trace,) = [decode_trace(o.value) for o in effect.outputs if o.kafka_topic is kafka_topics.TRACE]
    assert (trace.stage, trace.disposition, trace.revision, trace.at) == ("dedupe", "accepted", 1, NOON)


def test_revision_says_what_changed():
    memory = DedupeMemory()
    first = arrival(fetched(), 4)
    deliver(memory, first)
    later = fetched(
        title="La cantine cuisinera enfin", text=TEXT.replace("lundi", "mardi"), fetched_at=NOON + minutes(9)
    )
    effect = deliver(memory, arrival(later, 7), NOON + minutes(10), held={4: first.value})
    (revised,) = messages(effect)
    assert (revised.revision, revised.accepted_at, revised.revised_at) == (2, NOON, NOON + minutes(10))
    assert revised.change.kinds == ("title", "text")
    assert revised.change.title_before == "La cantine cuisinera sur place"
    assert [line[0] for line in revised.change.diff.splitlines()] == ["@", "-", "+"]
    assert "mardi" in revised.change.diff


def test_revision_moves_neither_first_sight_nor_first_claim():
    memory = DedupeMemory()
    deliver(memory, arrival(fetched(), 0))
    later = fetched(
        text="Tout autre chose.",
        fetched_at=NOON + minutes(9),
        discovered_at=NOON + minutes(9),
        published_at=NOON + minutes(8),
    )
    (revised,) = messages(deliver(memory, arrival(later, 1), NOON + minutes(10)))
    assert (revised.discovered_at, revised.first_published_at) == (NOON, NOON - minutes(30))
    assert revised.published_at == NOON + minutes(8)


def test_revision_whose_former_text_is_no_longer_held_says_only_that_it_changed():
    memory = DedupeMemory()
    deliver(memory, arrival(fetched(), 4))
    effect = deliver(memory, arrival(fetched(title="Autre titre", fetched_at=NOON + minutes(9)), 7))
    assert messages(effect)[0].change == Change()


def test_same_content_again_is_only_traced():
    memory = DedupeMemory()
    deliver(memory, arrival(fetched(), 0))
    effect = deliver(memory, arrival(fetched(fetched_at=NOON + minutes(5)), 1))
    assert (effect.disposition, messages(effect)) == ("not_modified", [])
    assert len(effect.outputs) == 1


def test_reading_from_before_an_unchanged_one_is_old():
    memory = DedupeMemory()
    deliver(memory, arrival(fetched(), 0))
    deliver(memory, arrival(fetched(fetched_at=NOON + minutes(5)), 1))
    between = fetched(text="Tout autre chose.", fetched_at=NOON + minutes(3))
    assert deliver(memory, arrival(between, 2)).disposition == "superseded"


def test_topic_made_anew_is_compared_by_content_only(caplog):
    memory = DedupeMemory()
    memory.load(IDENTITY_KEY, memory.identify("first"))
    deliver(memory, arrival(fetched(), 5))
    deliver(memory, arrival(fetched("autre"), 6))
    assert memory.identify("first") is None
    restored = DedupeMemory()
    restored.load(IDENTITY_KEY, memory.identify("second"))
    for name in ("cantine", "autre"):
        restored._known[fetched(name).article_id.encode()] = memory.get(fetched(name).article_id.encode())
    assert restored.identify("second") is None
    same = deliver(restored, arrival(fetched(fetched_at=NOON + minutes(5)), 0))
    other = deliver(restored, arrival(fetched("autre", text="Neuf.", fetched_at=NOON + minutes(5)), 1), held={})
    assert (same.disposition, other.disposition) == ("not_modified", "revised")
    assert messages(other)[0].change == Change()
    assert deliver(restored, arrival(fetched(fetched_at=NOON + minutes(5)), 0)) == Effect()


def test_old_articles_are_forgotten_when_log_and_clock_agree():
    memory = DedupeMemory()
    long_ago = NOON - timedelta(days=401)
    deliver(memory, arrival(fetched("old", fetched_at=long_ago), 0))
    order = Withdrawal(article_id=fetched("gone").article_id, reason="forgotten", requested_at=long_ago)
    deliver(memory, arrival(order, 1))
    assert list(memory.stale(NOON)) == []
    deliver(memory, arrival(fetched("new"), 2))
    assert list(memory.stale(NOON)) == [fetched("old").article_id.encode()]
    assert list(memory.stale(NOON - timedelta(days=30))) == []


def test_redelivery_has_no_effect_at_all():
    memory = DedupeMemory()
    record = arrival(fetched(), 0)
    deliver(memory, record)
    assert deliver(memory, record) == Effect()


def test_contents_that_go_back_are_revisions_each_time():
    memory = DedupeMemory()
    texts = [TEXT, TEXT + "\nAjout.", TEXT, TEXT + "\nAjout."]
    revisions = []
    for offset, text in enumerate(texts):
        effect = deliver(memory, arrival(fetched(text=text, fetched_at=NOON + minutes(offset)), offset))
        revisions += [message.revision for message in messages(effect)]
    assert revisions == [1, 2, 3, 4]


def test_withdrawal_is_for_good():
    memory = DedupeMemory()
    deliver(memory, arrival(fetched(), 0))
    order = Withdrawal(article_id=fetched().article_id, reason="forgotten", requested_at=NOON + minutes(1))
    effect = deliver(memory, arrival(order, 1))
    assert messages(effect) == [msgspec.structs.replace(order, revision=2)]
    again = deliver(memory, arrival(fetched(text="Tout autre chose.", fetched_at=NOON + minutes(9)), 2))
    assert (again.disposition, messages(again)) == ("withdrawn", [])
    assert deliver(memory, arrival(order, 1)) == Effect()
    assert messages(deliver(memory, arrival(order, 3))) == [msgspec.structs.replace(order, revision=2)]


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        ("article", fetched().article_id),
        ("prefix", "http://www.phare-ouest.example/"),
        ("publisher", "phare-ouest.example"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_covered_by_an_order_is_withdrawn_whatever_is_known(scope, target, known):
    memory, orders = DedupeMemory(), WithdrawalOrders()
    if known:
        deliver(memory, arrival(fetched(), 0))
    order = WithdrawalOrder(scope=scope, target=target, requested_at=NOON)
    orders.load(order_key(order), order)
    effect = deliver(memory, arrival(fetched(text="Neuf.", fetched_at=NOON + minutes(9)), 1), orders=orders)
    expected = Withdrawal(
        article_id=fetched().article_id, reason="forgotten", requested_at=NOON, revision=2 if known else 1
    )
    assert messages(effect) == [expected]
    (trace,) = [decode_trace(o.value) for o in effect.outputs if o.kafka_topic is kafka_topics.TRACE]
    assert (trace.disposition, trace.url, trace.title) == ("withdrawn", None, None)
    orders.load(order_key(order), None)
    again = deliver(memory, arrival(fetched(text="Encore.", fetched_at=NOON + minutes(10)), 2), orders=orders)
    assert (again.disposition, messages(again)) == ("withdrawn", [])


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(Arrival(0, 0, b"k", None), "invalid_message", id="null"),
        pytest.param(Arrival(0, 0, b"k", b""), "invalid_message", id="empty"),
        pytest.param(Arrival(0, 0, b"k", b"\xff\xfe"), "invalid_message", id="not UTF-8"),
        pytest.param(Arrival(0, 0, b"k", b'{"type":"fetched"}'), "invalid_message", id="fields missing"),
        pytest.param(Arrival(0, 0, b"k", b'{"type":"nonsense"}'), "invalid_message", id="unknown type"),
        pytest.param(Arrival(0, 0, b"k", b"[" * 100_000), "invalid_message", id="nested without end"),
        pytest.param(arrival(fetched(), 0, key=article_id("other")), "wrong_key", id="wrong key"),
        pytest.param(Arrival(0, 0, None, encode(fetched())), "wrong_key", id="no key"),
    ],
)
def test_hostile_record_is_rejected_with_its_reason(record, reason):
    with pytest.raises(Rejected) as caught:
        STAGE.effect(DedupeMemory(), record, NO_ORDERS, NOON)
    assert caught.value.reason == reason


def test_state_round_trip_through_the_topic():
    memory, restored = DedupeMemory(), DedupeMemory()
    effect = deliver(memory, arrival(fetched(), 5))
    key = fetched().article_id.encode()
    restored.load(key, effect.state)
    assert restored.get(key) == memory.get(key)
    restored.load(key, None)
    assert (restored.get(key), len(restored)) == (None, 0)


def test_state_of_an_unknown_format_stops_the_stage():
    with pytest.raises(StateFormatError, match="format is b'\\\\x02'"):
        DedupeMemory().load(b"k", b"\x02anything")

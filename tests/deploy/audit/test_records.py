"""Records of each topic, as the stages write them, and the facts they become."""

from datetime import timedelta

import pytest

from deploy.audit.dedupe_rules import trace_half
from deploy.audit.facts import TOPIC_NUMBER, TOPICS, Fact, Flag, Kind, Place, article_key, place_key
from deploy.audit.records import DECIDED, FactMaker, instant_of
from processors.stages import trace, withdrawal_note
from schemas import kafka_topics
from schemas.codec import decode_trace, encode
from schemas.headers import REPLAY_OF, article_headers, dead_letter_headers, letter_closed_headers
from schemas.kafka_topics import KafkaTopic
from schemas.messages import DeadLetter, LetterClosed, Withdrawal, version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON, enriched, fetched, tagged, unique
from tests.deploy.audit.installation import Stored

ID = fetched().article_id
KEY, OURS = bytes.fromhex(ID), ID.encode()
SECONDS = int(NOON.timestamp())
MICROSECONDS = SECONDS * 1_000_000


def maker(*orders: WithdrawalOrder) -> FactMaker:
    held = WithdrawalOrders()
    for order in orders:
        held.load(order_key(order), order)
    return FactMaker("essai.", held, NOON + timedelta(hours=1))


def facts(topic: KafkaTopic, value: bytes | None, headers=(), key=OURS, pending=0, make=None) -> list[Fact]:
    record = Stored(2, 17, SECONDS * 1000 + 999, key, value, tuple(headers))
    return list((make or maker()).of_topic(topic)(record, pending))


def fact(kind: Kind, **values) -> Fact:
    return Fact(**{"key": KEY, "kind": kind, "partition": 2, "offset": 17, "seconds": SECONDS, **values})


def withdrawal(revision: int = 0) -> bytes:
    return encode(Withdrawal(article_id=ID, reason="forgotten", requested_at=NOON, revision=revision))


HEADERS = article_headers(ID, version_of(2, 1), "http://www.phare-ouest.example/cantine.html", NOON)


@pytest.mark.parametrize(
    ("topic", "value", "headers", "expected"),
    [
        (kafka_topics.FETCHED, encode(fetched()), (), fact(Kind.READING, number=MICROSECONDS)),
        (kafka_topics.FETCHED, withdrawal(), (), fact(Kind.WITHDRAWAL_ASKED)),
        (kafka_topics.UNIQUE, encode(unique(revision=3)), (), fact(Kind.UNIQUE, number=3, extra=MICROSECONDS)),
        (kafka_topics.UNIQUE, withdrawal(4), (), fact(Kind.UNIQUE_WITHDRAWAL, number=4)),
        (kafka_topics.REENRICH, encode(tagged(run=7)), (), fact(Kind.REENRICH, number=version_of(1, 7))),
        (kafka_topics.TAGGED, encode(tagged(revision=2)), (), fact(Kind.TAGGED, number=version_of(2, 0))),
        (kafka_topics.TAGGED, withdrawal(4), (), fact(Kind.TAGGED_WITHDRAWAL, number=version_of(4, 0))),
        (kafka_topics.ENRICHED, encode(enriched()), HEADERS, fact(Kind.ENRICHED, number=version_of(2, 1))),
        (kafka_topics.ENRICHED, None, HEADERS, fact(Kind.ENRICHED_NULL, number=version_of(2, 1))),
    ],
)
def test_record_becomes_a_fact(topic: KafkaTopic, value: bytes | None, headers, expected: Fact):
    assert facts(topic, value, headers) == [expected]
    assert facts(topic, value, headers, pending=Flag.PENDING) == [expected._replace(flags=Flag.PENDING)]
    again = [*headers, (REPLAY_OF, b"articles.dead:0:0")]
    assert facts(topic, value, again) == [expected._replace(flags=Flag.RESENT)]


@pytest.mark.parametrize("topic", TOPICS[:5])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        (ID.encode(), b"{"),
        (ID.encode(), b"\xff"),
        (ID.encode(), None),
        (ID.encode(), b'{"type":"other","article_id":"x"}'),
        (b"cle", encode(fetched())),
        (None, b"{}"),
        (b"00" * 16, encode(fetched())),
    ],
)
def test_record_that_tells_no_article_becomes_a_fact_of_its_place(topic: KafkaTopic, key, value):
    key_of_place = place_key(Place(topic.name, 2, 17))
    assert facts(topic, value, key=key) == [
        fact(Kind.UNREADABLE, key=key_of_place, code=TOPIC_NUMBER[topic.name]),
    ]


def test_time_of_another_zone_is_marked():
    value = encode(fetched()).replace(
        b'"fetched_at":"2026-11-25T12:00:00Z"', b'"fetched_at":"2026-11-25T13:00:00+01:00"'
    )
    assert facts(kafka_topics.FETCHED, value) == [
        fact(Kind.READING, number=MICROSECONDS, flags=Flag.ELSEWHERE),
    ]


@pytest.mark.parametrize("disposition", DECIDED)
def test_trace_of_dedupe_is_recognised_by_its_reading(disposition):
    moment = NOON + timedelta(microseconds=123_456)
    output = trace("dedupe", disposition, article_id=ID, attempt=moment.isoformat(), at=NOON, url="u", revision=2)
    number = trace_half(ID, disposition, MICROSECONDS + 123_456)
    assert decode_trace(output.value or b"").trace_id.startswith(f"{number:016x}")
    assert facts(kafka_topics.TRACE, output.value) == [
        fact(Kind.DEDUPED, code=DECIDED.index(disposition), number=number, extra=2)
    ]
    assert instant_of(MICROSECONDS + 123_456) == moment


def test_traces_that_matter():
    foreign = trace("reenrich", "not_french", article_id=ID, attempt="9", at=NOON, revision=3)
    assert facts(kafka_topics.TRACE, foreign.value) == [fact(Kind.FOREIGN, code=1, number=3)]
    gone = withdrawal_note("dedupe", Withdrawal(article_id=ID, reason="forgotten", requested_at=NOON), 4, NOON)
    (made,) = facts(kafka_topics.TRACE, gone.value)
    assert (made.kind, made.code, made.extra) == (Kind.DEDUPED, DECIDED.index("withdrawn"), 4)
    for other in (
        trace("poll", "fetched", article_id=ID, attempt="1", at=NOON),
        trace("cluster", "withdrawn", article_id=ID, attempt="1", at=NOON, revision=4),
    ):
        assert facts(kafka_topics.TRACE, other.value) == []
    assert facts(kafka_topics.TRACE, b"{") == []
    assert facts(kafka_topics.TRACE, foreign.value, key=b"cle") == []


def letter(topic: str = "essai.articles.unique") -> DeadLetter:
    return DeadLetter(
        reason="internal_error", stage="enrich", detail="", kafka_topic=topic, partition=4, offset=5, at=NOON
    )


def test_dead_letter_names_its_article_and_its_place():
    at_place = Fact(place_key(Place("articles.unique", 4, 5)), Kind.LETTER_AT)
    of_article = fact(Kind.LETTER, code=TOPIC_NUMBER["articles.unique"], partition=4, offset=5, number=version_of(2, 1))
    headers = dead_letter_headers(HEADERS, letter())
    assert facts(kafka_topics.DEAD, b"anything", headers) == [at_place, of_article]
    assert facts(kafka_topics.DEAD, b"{", headers, key=b"cle") == [at_place]


def test_closings_and_foreign_letters_are_passed_over():
    closed = LetterClosed(partition=0, offset=0, how="dropped", at=NOON)
    assert facts(kafka_topics.DEAD, None, letter_closed_headers(closed)) == []
    assert facts(kafka_topics.DEAD, b"{", [("kiosque-dead-letter", b"{")]) == []
    assert facts(kafka_topics.DEAD, b"{", dead_letter_headers((), letter("other.articles.unique"))) == []


def test_letter_on_its_way_back_to_the_sink_marks_its_article_only_while_it_waits():
    assert facts(kafka_topics.REDELIVERED, b"{}") == []
    assert facts(kafka_topics.REDELIVERED, b"{}", pending=Flag.PENDING) == [Fact(KEY, Kind.MARK, Flag.PENDING)]


@pytest.mark.parametrize(
    ("scope", "target"),
    [("article", ID), ("prefix", "http://www.phare-ouest.example/"), ("publisher", "phare-ouest.example")],
)
def test_what_an_order_covers_is_marked(scope, target: str):
    order = WithdrawalOrder(scope=scope, target=target, requested_at=NOON)
    make, url = maker(order), "http://www.phare-ouest.example/cantine.html"
    (on_kafka,) = facts(kafka_topics.ENRICHED, encode(enriched()), HEADERS, make=make)
    document = make.document(ID, 9, url, "phare-ouest.example")
    assert on_kafka.flags == Flag.COVERED
    assert document == Fact(KEY, Kind.DOCUMENT, Flag.COVERED, number=9)
    young = WithdrawalOrder(scope=scope, target=target, requested_at=NOON + timedelta(minutes=55))
    assert maker(young).document(ID, 9, url, "phare-ouest.example") == Fact(KEY, Kind.DOCUMENT, Flag.PENDING, number=9)


def test_documents_under_ids_that_are_none_of_ours_are_no_facts():
    make = maker()
    assert make.document("a-la-main", 1, None, None) is None
    assert make.revision(ID, 1, None, None) is None
    assert make.revision(f"{ID}:x", 1, None, None) is None
    assert make.revision(f"{ID}:{'9' * 40}", 1, None, None) is None
    assert make.revision(f"{ID}:3", 9, None, None) == Fact(KEY, Kind.REVISION, number=3, extra=9)


def test_key_is_an_article_id_in_lower_case():
    assert article_key(ID.encode()) == KEY
    assert [article_key(key) for key in (None, b"", ID.upper().encode(), ID[:-1].encode(), b"g" * 32)] == [None] * 5

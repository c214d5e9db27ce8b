from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deploy.replay.portions import Choice, EnrichedRecord, portion_of, to_be_labelled
from deploy.replay.runs import Counts
from deploy.replay.selection import Selection
from processors.enrich import unlabelled
from processors.records import Outgoing
from schemas import kafka_topics
from schemas.articles import Publisher
from schemas.codec import decode_tagged, encode
from schemas.messages import TaggedArticle, version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from tests.articles import NOON, enriched, tagged

ALL = Choice(3, Selection())
NO_ORDERS = WithdrawalOrders()


def record(offset, message):
    return EnrichedRecord(offset, message.article_id.encode(), encode(message))


def sent(message, run=3):
    """What an enriched article becomes on articles.reenrich."""
    known = {name: getattr(message, name) for name in TaggedArticle.__struct_fields__}
    value = encode(TaggedArticle(**{**known, "version": version_of(message.revision, run)}))
    return Outgoing(kafka_topics.REENRICH, message.article_id.encode(), value)


def orders(*held: tuple[str, str]) -> WithdrawalOrders:
    made = WithdrawalOrders()
    for scope, target in held:
        order = WithdrawalOrder(scope=scope, target=target, requested_at=NOON)
        made.load(order_key(order), order)
    return made


def test_article_goes_to_the_worker_with_its_old_labels_under_the_new_version():
    old = enriched("cantine", revision=2, primary_place="Nantes")
    portion = portion_of([record(7, old)], ALL, NO_ORDERS, 10)
    assert (portion.taken, portion.outputs) == (1, (sent(old),))
    message = decode_tagged(portion.outputs[0].value)
    assert message == replace(tagged("cantine", revision=2, primary_place="Nantes"), version=version_of(2, 3))
    assert portion.counts == Counts(read=1, selected=1, written=1)


def test_replay_and_worker_together_give_back_what_dedupe_accepted():
    old = enriched("cantine", revision=2, run=1)
    assert unlabelled(to_be_labelled(old, 3)) == unlabelled(old)


def test_what_does_not_go_on_is_counted():
    later = enriched("deux-fois")
    records = [
        record(0, enriched("deux-fois", revision=1)),
        EnrichedRecord(2, b"0" * 32, None),
        EnrichedRecord(4, b"1" * 32, b"{}"),
        EnrichedRecord(5, b"2" * 32, b"\xff"),
        record(6, enriched("ailleurs", publisher=Publisher(id="autre.example", name="Autre"))),
        record(8, enriched("retiré")),
        record(9, enriched("après", run=3)),
        record(11, enriched("avant", run=2)),
        record(12, later),
    ]
    choice = Choice(3, Selection(publisher="phare-ouest.example"), {later.article_id.encode(): 12})
    portion = portion_of(records, choice, orders(("article", enriched("retiré").article_id)), 10)
    assert portion.outputs == (sent(enriched("avant", run=2)), sent(later))
    assert portion.taken == 9
    assert portion.counts == Counts(read=9, repeated=1, selected=4, written=2, withdrawn=1, newer=1, unreadable=2)


def test_order_for_publisher_or_beginning_of_the_address_holds_as_well():
    records = [record(0, enriched("a")), record(1, enriched("b"))]
    for held in (("publisher", "phare-ouest.example"), ("prefix", "http://www.phare-ouest.example/")):
        assert portion_of(records, ALL, orders(held), 10).counts == Counts(read=2, selected=2, withdrawn=2)


def test_one_article_is_found_without_reading_the_others():
    url = "http://www.phare-ouest.example/b.html"
    records = [EnrichedRecord(0, b"x", b"not a message"), record(1, enriched("b"))]
    portion = portion_of(records, Choice(1, Selection(url=url)), NO_ORDERS, 10)
    assert portion.outputs == (sent(enriched("b"), run=1),)
    assert portion.counts == Counts(read=2, selected=1, written=1)


NAMES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 3), st.integers(0, 4)), max_size=30)


@given(log=NAMES, at_most=st.integers(1, 7), withdrawn=st.sets(st.sampled_from("abcdef"), max_size=2))
def test_however_it_is_cut_each_article_is_written_once_as_it_was_last(log, at_most, withdrawn):
    messages = [enriched(name, revision, run) for name, revision, run in log]
    records = [record(2 * number, message) for number, message in enumerate(messages)]
    choice = Choice(3, Selection(), {each.key: each.offset for each in records})
    held = orders(*(("article", enriched(name).article_id) for name in withdrawn))
    outputs, counts, rest = [], Counts(), records
    while rest:
        portion = portion_of(rest, choice, held, at_most)
        assert 1 <= portion.taken <= len(rest)
        assert len(portion.outputs) <= at_most
        outputs += portion.outputs
        counts += portion.counts
        rest = rest[portion.taken :]
    last = {message.article_id: message for message in messages}
    kept_away = {enriched(name).article_id for name in withdrawn}
    expected = [m for m in last.values() if m.version & 0xFFFFF < 3 and m.article_id not in kept_away]
    assert sorted(outputs, key=lambda o: o.key) == [sent(m) for m in sorted(expected, key=lambda m: m.article_id)]
    assert counts.read == len(records)
    assert counts.repeated == len(records) - len(last)
    assert counts.selected == len(last) == counts.written + counts.withdrawn + counts.newer

"""Lost state, made again from what was published, is what the stage remembered."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from processors import cluster, dedupe
from processors.cluster import Clustered, ClusterMemory, ClusterStage
from processors.dedupe import DedupeMemory, DedupeStage
from processors.duplicates import Known
from processors.fingerprint import fingerprint
from processors.input_identity import IDENTITY_KEY, InputIdentity
from processors.rebuild import Enriched, Plan, enriched_of
from processors.rebuild_cluster import ClusterRebuild
from processors.rebuild_dedupe import NOWHERE, DedupeRebuild, known_of, known_withdrawn
from processors.records import Arrival
from processors.stages import FormerNeeded
from schemas import kafka_topics
from schemas.articles import Timeline
from schemas.codec import decode_unique, encode
from schemas.headers import article_headers
from schemas.messages import UniqueArticle, Withdrawal, version_of
from schemas.withdrawals import WithdrawalOrders
from tests.articles import NOON, article_id, enriched, fetched, minutes, tagged, unique

WINDOW = timedelta(hours=72)
NO_ORDERS = WithdrawalOrders()
TOPIC = "topic-1"
KEY = article_id("http://www.phare-ouest.example/cantine.html").encode()
GARBAGE = b"\x07later"
OTHER_TEXT = (
    "La criée du port a rouvert mercredi matin après trois semaines de travaux sur les quais et les bassins.\n"
    "Une vingtaine de bateaux y ont débarqué leur pêche, surtout du merlu et de la langoustine, avant midi."
)


def identity(*topic_ids: str) -> bytes:
    ids, record = InputIdentity(), None
    for topic_id in topic_ids:
        record = ids.identify(topic_id, remembers_articles=False)
    assert record is not None
    return record


def of(message) -> Enriched:
    return Enriched(message.article_id.encode(), message.version, NOON, message)


def withdrawn(revision: int, at=NOON) -> Enriched:
    return Enriched(KEY, version_of(revision, 0), at, None)


def published(message: UniqueArticle):
    """What enrich and cluster make of it, without the labels."""
    core = {name: value for name, value in asdict(message).items() if name in enriched().__struct_fields__}
    times = Timeline(
        published=message.first_published_at,
        discovered=message.discovered_at,
        fetched=message.fetched_at,
        accepted=message.revised_at,
    )
    return enriched(**core | {"version": version_of(message.revision, 0), "timeline": times})


class Log:
    """articles.fetched with one article, read by dedupe as by the agent."""

    def __init__(self) -> None:
        self.memory = DedupeMemory()
        self.memory.load(IDENTITY_KEY, identity(TOPIC))
        self.records: list[bytes] = []
        self.unique: list[bytes] = []

    def read(self, message) -> None:
        self.records.append(encode(message))
        arrival = Arrival(0, len(self.records) - 1, KEY, self.records[-1])
        effect = DedupeStage().effect(self.memory, arrival, NO_ORDERS, NOON)
        if isinstance(effect, FormerNeeded):
            effect = effect.finish(self.records[effect.offset])
        if effect.state is not None:
            self.memory.load(KEY, effect.state)
        self.unique += [record.value for record in effect.outputs if record.kafka_topic is kafka_topics.UNIQUE]

    def rebuilt(self, *, arrived: bool) -> Known:
        """The state made again, with the last revision on articles.enriched or still under way."""
        rebuild = DedupeRebuild()
        for value in self.unique if arrived else self.unique[:-1]:
            rebuild.enriched(of(published(decode_unique(value))))
        if not arrived:
            rebuild.unique(KEY, self.unique[-1])
        for offset, value in enumerate(self.records):
            rebuild.fetched(KEY, offset, value)
        (known,) = [known for key, known in rebuild.plan(TOPIC).rebuilt if key == KEY]
        return known


READINGS = st.lists(st.tuples(st.sampled_from(["v1", "v2", "v3"]), st.integers(0, 4)), min_size=1, max_size=12).flatmap(
    lambda drawn: st.tuples(st.just(drawn), st.permutations(range(len(drawn))))
)


class TestDedupe:
    @given(READINGS, st.booleans())
    def test_is_what_the_stage_remembered_whatever_was_read(self, drawn, arrived):
        """Clocks that go back, counts that begin anew, contents that alternate."""
        log = Log()
        readings, moments = drawn
        for (text, number), moment in zip(readings, moments, strict=True):
            log.read(fetched(text=text, reading=number, fetched_at=NOON + minutes(moment)))
        assert log.rebuilt(arrived=arrived) == log.memory.get(KEY)

    def test_readings_that_dedupe_has_not_decided_yet_are_left_to_it(self):
        log = Log()
        log.read(fetched(text="v1", fetched_at=NOON))
        decided = log.memory.get(KEY)
        for minute, text in enumerate(["v2", "v1"], start=1):
            log.records.append(encode(fetched(text=text, fetched_at=NOON + minutes(minute))))
        assert log.rebuilt(arrived=True) == decided

    def test_reading_that_is_no_longer_held_has_no_place(self):
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched(revision=3)))
        rebuild.fetched(KEY, 9, encode(fetched(fetched_at=NOON + minutes(1))))
        assert rebuild.plan(TOPIC).rebuilt == ((KEY, known_of(enriched(revision=3))),)
        assert known_of(enriched(revision=3)) == Known(
            offset=NOWHERE,
            fetched_at=NOON,
            accepted_at=NOON,
            discovered_at=NOON,
            claimed_at=NOON - minutes(30),
            revision=3,
            fingerprint=fingerprint(fetched()),
        )

    def test_record_that_is_readable_and_not_behind_stays(self):
        existing = replace(known_of(enriched(revision=2)), offset=7, reading=5)
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched(revision=2)))
        rebuild.existing(IDENTITY_KEY, identity(TOPIC))
        rebuild.existing(KEY, dedupe.STATE.encode(existing))
        plan = rebuild.plan(TOPIC)
        assert (plan.rebuilt, plan.damaged, plan.kept, plan.identity) == ((), (), 1, None)
        assert list(plan.records()) == []

    def test_record_that_is_behind_is_replaced_but_its_count_is_not_forgotten(self):
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched(revision=2)))
        rebuild.existing(IDENTITY_KEY, identity(TOPIC))
        behind = replace(known_of(enriched(revision=1)), reading=5, fetched_at=NOON + minutes(3))
        rebuild.existing(KEY, dedupe.STATE.encode(behind))
        expected = replace(known_of(enriched(revision=2)), reading=5, fetched_at=NOON + minutes(3))
        assert rebuild.plan(TOPIC).rebuilt == ((KEY, expected),)

    def test_article_that_only_the_state_knows_is_kept_and_what_nobody_can_read_is_forgotten(self):
        foreign, garbage, odd = (article_id(name).encode() for name in ("a", "b", "c"))
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched()))
        rebuild.existing(IDENTITY_KEY, identity(TOPIC))
        rebuild.existing(foreign, dedupe.STATE.encode(known_of(enriched())))
        rebuild.existing(garbage, GARBAGE)
        rebuild.existing(odd, GARBAGE)
        rebuild.existing(odd, None)
        rebuild.existing(b"\xff", dedupe.STATE.encode(known_of(enriched())))
        rebuild.existing(KEY, GARBAGE)
        plan = rebuild.plan(TOPIC)
        assert (plan.rebuilt, plan.damaged, plan.kept) == (((KEY, known_of(enriched())),), (garbage, b"\xff"), 1)
        assert list(plan.records()) == [
            (KEY, dedupe.STATE.encode(known_of(enriched()))),
            (garbage, None),
            (b"\xff", None),
        ]

    @pytest.mark.parametrize("lost", [None, GARBAGE], ids=["lost", "damaged"])
    def test_without_the_identity_of_the_input_no_remembered_offset_counts(self, lost):
        foreign = article_id("a").encode()
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched()))
        rebuild.fetched(KEY, 4, encode(fetched(reading=1)))
        kept = replace(known_of(enriched()), offset=90, epoch=3, reading=2)
        rebuild.existing(foreign, dedupe.STATE.encode(kept))
        rebuild.existing(KEY, dedupe.STATE.encode(kept))
        rebuild.existing(IDENTITY_KEY, lost)
        plan = rebuild.plan(TOPIC)
        assert dict(plan.rebuilt) == {
            KEY: replace(known_of(enriched()), offset=4, reading=2),
            foreign: replace(kept, offset=NOWHERE),
        }
        assert (plan.kept, plan.identity) == (0, identity(TOPIC))

    def test_places_belong_to_the_present_input_topic(self):
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched()))
        rebuild.fetched(KEY, 4, encode(fetched()))
        rebuild.existing(IDENTITY_KEY, identity("topic-0"))
        plan = rebuild.plan(TOPIC)
        assert plan.rebuilt == ((KEY, replace(known_of(enriched()), offset=4, epoch=1)),)
        assert plan.identity == identity("topic-0", TOPIC)

    def test_withdrawn_stays_withdrawn(self):
        rebuild = DedupeRebuild()
        rebuild.enriched(withdrawn(2, NOON + minutes(5)))
        rebuild.unique(KEY, encode(unique(revision=3)))
        rebuild.fetched(KEY, 4, encode(fetched()))
        assert rebuild.plan(TOPIC).rebuilt == ((KEY, known_withdrawn(2, NOON + minutes(5))),)

    def test_withdrawal_under_way_is_known(self):
        message = Withdrawal(article_id=KEY.decode(), reason="forgotten", requested_at=NOON, revision=2)
        rebuild = DedupeRebuild()
        rebuild.enriched(of(enriched()))
        rebuild.unique(KEY, encode(message))
        assert rebuild.plan(TOPIC).rebuilt == ((KEY, known_withdrawn(2, NOON)),)

    @pytest.mark.parametrize(
        ("existing", "said", "expected"),
        [
            pytest.param(known_withdrawn(1, NOON), of(enriched(revision=4)), (), id="mark in the state"),
            pytest.param(known_withdrawn(3, NOON), withdrawn(2), (), id="both"),
            pytest.param(
                known_of(enriched(revision=4)), withdrawn(2), ((KEY, known_withdrawn(4, NOON)),), id="tombstone"
            ),
        ],
    )
    def test_withdrawal_outranks_revisions(self, existing, said, expected):
        rebuild = DedupeRebuild()
        rebuild.enriched(said)
        rebuild.existing(IDENTITY_KEY, identity(TOPIC))
        rebuild.existing(KEY, dedupe.STATE.encode(existing))
        assert rebuild.plan(TOPIC).rebuilt == expected

    @pytest.mark.parametrize(
        "record", [(KEY, None), (KEY, b"{}"), (None, b"1"), (b"other", encode(unique())), (KEY, b"\xff")]
    )
    def test_record_that_is_no_message_says_nothing(self, record):
        rebuild = DedupeRebuild()
        rebuild.unique(*record)
        rebuild.fetched(record[0], 3, record[1])
        assert rebuild.plan(TOPIC).rebuilt == ()
        rebuild.enriched(of(enriched()))
        rebuild.fetched(record[0], 3, record[1])
        assert rebuild.plan(TOPIC).rebuilt == ((KEY, known_of(enriched())),)


def clustered(memory: ClusterMemory, message) -> tuple[bytes, Enriched]:
    """Deliver to cluster; returns its state record and what it wrote."""
    key = message.article_id.encode()
    effect = ClusterStage().effect(memory, Arrival(0, 0, key, encode(message)), NO_ORDERS, NOON + minutes(1))
    memory.load(key, effect.state)
    (record,) = [o for o in effect.outputs if o.kafka_topic is kafka_topics.ENRICHED]
    said = enriched_of(record.key, record.value, record.headers, NOON)
    assert said is not None
    return effect.state, said


def made_again(written: list[Enriched]) -> Plan[Clustered]:
    rebuild = ClusterRebuild(WINDOW)
    for record in written:
        rebuild.enriched(record)
    for record in written:
        rebuild.enriched_again(record)
    return rebuild.plan()


class TestCluster:
    def test_is_what_the_stage_remembered(self):
        memory = ClusterMemory(WINDOW)
        messages = [
            tagged("first"),
            tagged("copy", accepted_at=NOON + minutes(1)),
            tagged("live", genre="live", accepted_at=NOON + minutes(2)),
            tagged("short", text="Trop court.", accepted_at=NOON + minutes(3)),
            tagged("other", revision=2, run=5, text=OTHER_TEXT, accepted_at=NOON + minutes(4)),
            Withdrawal(article_id=article_id("x"), reason="forgotten", requested_at=NOON, revision=2),
        ]
        written, expected = [], {}
        for message in messages:
            state, said = clustered(memory, message)
            expected[message.article_id.encode()] = cluster.STATE.decode(state)
            written.append(said)
        plan = made_again(written)
        assert dict(plan.rebuilt) == expected
        restored = ClusterMemory(WINDOW)
        for key, value in plan.records():
            restored.load(key, value)
        assert len(restored.stories) == len(memory.stories) == 2

    def test_later_version_keeps_the_story(self):
        memory = ClusterMemory(WINDOW)
        messages = (tagged("a"), tagged("b"), tagged("b", revision=2, text="Tout autre chose."))
        plan = made_again([clustered(memory, message)[1] for message in messages])
        known = dict(plan.rebuilt)[tagged("b").article_id.encode()]
        assert (known.version, known.story_id, known.relation) == (version_of(2, 0), tagged("a").article_id, "copy")

    def test_articles_outside_the_window_are_not_compared_and_all_stand_in_order(self):
        hours = {"late": 100, "old": 0, "in": 40}
        written = [of(enriched(name, accepted_at=NOON + timedelta(hours=count))) for name, count in hours.items()]
        assert [(known.accepted_at, bool(known.signature)) for _, known in made_again(written).rebuilt] == [
            (NOON, False),
            (NOON + timedelta(hours=40), True),
            (NOON + timedelta(hours=100), True),
        ]

    def test_an_empty_topic_has_no_window(self):
        assert ClusterRebuild(WINDOW).window_start is None
        assert made_again([withdrawn(2)]).rebuilt == ((KEY, Clustered(version_of(2, 0), None, "independent", NOON)),)

    @pytest.mark.parametrize(
        ("existing", "rebuilt"),
        [
            pytest.param(Clustered(version_of(2, 0), "s", "first", NOON), False, id="the same version"),
            pytest.param(Clustered(version_of(2, 1), "s", "first", NOON), False, id="a higher version"),
            pytest.param(Clustered(version_of(1, 9), "s", "first", NOON), True, id="a lower version"),
            pytest.param(Clustered(version_of(1, 0), None, "independent", NOON), False, id="withdrawn"),
        ],
    )
    def test_existing_record_stays_unless_it_is_behind(self, existing, rebuilt):
        rebuild = ClusterRebuild(WINDOW)
        rebuild.enriched(of(enriched(revision=2)))
        rebuild.existing(KEY, cluster.STATE.encode(existing))
        plan = rebuild.plan()
        assert [key for key, _ in plan.rebuilt] == ([KEY] if rebuilt else [])
        assert plan.kept == (not rebuilt)

    def test_damaged_records_are_rebuilt_or_forgotten(self):
        rebuild = ClusterRebuild(WINDOW)
        rebuild.enriched(withdrawn(2))
        unknown = article_id("a").encode()
        rebuild.existing(KEY, GARBAGE)
        rebuild.existing(unknown, b"")
        assert list(rebuild.plan().records()) == [
            (KEY, cluster.STATE.encode(Clustered(version_of(2, 0), None, "independent", NOON))),
            (unknown, None),
        ]


class TestEnriched:
    def test_withdrawal_has_the_time_and_version_of_its_headers(self):
        headers = article_headers(KEY.decode(), version_of(2, 0), "u", NOON + minutes(3), kind="withdrawn")
        assert enriched_of(KEY, None, headers, NOON) == withdrawn(2, NOON + minutes(3))
        assert enriched_of(KEY, None, headers[-1:], NOON) == withdrawn(2, NOON)
        assert enriched_of(KEY, None, [("ce_time", b"hier"), headers[-1]], NOON) == withdrawn(2, NOON)
        assert enriched_of(KEY, None, [("ce_time", b"2026-11-25T12:00:00"), headers[-1]], NOON) == withdrawn(2, NOON)

    @pytest.mark.parametrize(
        ("key", "value", "headers"),
        [
            (None, encode(enriched()), ()),
            (b"k", encode(enriched()), ()),
            (article_id("a").encode(), encode(enriched()), ()),
            (KEY, b"{}", ()),
            (KEY, None, ()),
            (KEY, None, [("kiosque_version", b"9" * 30)]),
            (KEY, None, [("kiosque_version", b"7")]),
        ],
    )
    def test_anything_else_says_nothing(self, key, value, headers):
        assert enriched_of(key, value, headers, NOON) is None

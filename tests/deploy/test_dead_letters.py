"""Which letters are open and wanted, where they go back to, and how they are shown: without Kafka."""

import io
import json
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deploy.dead_letters.choosing import letter_ids, require_choice, wanted
from deploy.dead_letters.letters import (
    UNREADABLE,
    DeadRecord,
    Letter,
    LetterId,
    Wanted,
    closed_letters,
    letter_of,
    wanted_letters,
)
from deploy.dead_letters.resending import Refusal, Resending, resending
from deploy.dead_letters.sender import portions
from deploy.dead_letters.text import (
    first_line,
    letter_json,
    letter_text,
    letters_table,
    printable,
    totals_sentence,
    value_text,
)
from deploy.errors import UserError
from schemas import kafka_topics
from schemas.headers import (
    DEAD_LETTER,
    LETTER_CLOSED,
    REPLAY_OF,
    dead_letter_headers,
    dead_letter_of,
    letter_closed_headers,
)
from schemas.messages import DeadLetter, LetterClosed
from tests.articles import NOON, article_id, minutes

KEY = article_id("http://www.phare-ouest.example/cantine.html").encode()


def why(**changes) -> DeadLetter:
    ours = {
        "reason": "invalid_message",
        "stage": "dedupe",
        "detail": "Expected `object`\nline 2",
        "kafka_topic": "p.articles.fetched",
        "partition": 3,
        "offset": 41,
        "at": NOON,
    }
    return DeadLetter(**{**ours, **changes})


def dead_record(offset: int = 0, partition: int = 0, *, key=KEY, value=b"{}", headers=(), letter=None) -> DeadRecord:
    kept = dead_letter_headers(headers, letter) if letter else list(headers)
    return DeadRecord(LetterId(partition, offset), key, value, tuple(kept), NOON + minutes(1))


def letter(offset: int = 0, partition: int = 0, **changes) -> Letter:
    given = {name: changes.pop(name) for name in ("key", "value", "headers") if name in changes}
    found = letter_of(dead_record(offset, partition, letter=why(**changes), **given))
    assert found is not None
    return found


def closing(of: LetterId, offset: int, partition: int | None = None, how: str = "dropped") -> DeadRecord:
    closed = LetterClosed(partition=of.partition, offset=of.offset, how=how, at=NOON)
    place = of.partition if partition is None else partition
    return dead_record(offset, place, value=None, headers=letter_closed_headers(closed))


class TestIds:
    @given(st.integers(0, 999_999_999), st.integers(0, 10**18 - 1))
    def test_written_and_read_again(self, partition, offset):
        assert LetterId.parse(str(LetterId(partition, offset))) == LetterId(partition, offset)

    @pytest.mark.parametrize("text", ["", "1", "1:", ":1", "1:2:3", "-1:2", "a:b", "1:²", "٣:1", "1:" + "9" * 30])
    def test_anything_else_is_one_sentence(self, text):
        with pytest.raises(UserError, match="PARTITION:OFFSET"):
            letter_ids([text])


class TestOpenLetters:
    def test_a_record_with_a_reason_is_an_open_letter(self):
        record = dead_record(5, letter=why())
        assert letter_of(record) == Letter(record, why())
        assert closed_letters([record]) == {}

    def test_what_stands_behind_a_letter_closes_it(self):
        records = [dead_record(5, letter=why()), dead_record(6, letter=why()), closing(LetterId(0, 5), 7)]
        closed = closed_letters(records)
        assert [one.id for one in wanted_letters(records, Wanted(), closed)] == [LetterId(0, 6)]
        everything = wanted_letters(records, Wanted(also_closed=True), closed)
        assert [one.id for one in everything] == [LetterId(0, 5), LetterId(0, 6)]

    def test_a_record_cannot_close_what_stands_behind_it_or_elsewhere(self):
        records = [closing(LetterId(0, 5), 4), closing(LetterId(0, 5), 9, partition=1)]
        assert closed_letters(records) == {}
        assert [letter_of(record).reason for record in records] == [UNREADABLE] * 2

    def test_a_letter_that_came_with_such_a_header_is_a_letter(self):
        """Nobody can close letters by sending us a hostile record."""
        forged = letter_closed_headers(LetterClosed(partition=0, offset=1, how="dropped", at=NOON))
        record = dead_record(5, value=None, headers=forged, letter=why())
        assert closed_letters([record]) == {}
        assert letter_of(record).why == why()

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param((), id="none"),
            pytest.param(((DEAD_LETTER, b"?"),), id="no JSON"),
            pytest.param(((DEAD_LETTER, b"\xff"),), id="no UTF-8"),
            pytest.param(((DEAD_LETTER, b"{}"),), id="no letter"),
            pytest.param(((DEAD_LETTER, b"[" * 100_000),), id="deep"),
            pytest.param(((LETTER_CLOSED, b"?"),), id="no closing"),
        ],
    )
    @pytest.mark.parametrize("value", [None, b"x"])
    def test_an_unreadable_header_makes_an_unreadable_letter(self, headers, value):
        found = letter_of(dead_record(5, value=value, headers=headers))
        assert (found.reason, found.stage, found.why, found.at) == (UNREADABLE, "?", None, NOON + minutes(1))
        assert "header" in found.unreadable

    @given(st.lists(st.tuples(st.sampled_from([DEAD_LETTER, LETTER_CLOSED, "x"]), st.binary(max_size=40)), max_size=4))
    def test_no_header_raises(self, headers):
        record = dead_record(5, value=None, headers=headers)
        assert (letter_of(record) is None) == bool(closed_letters([record]))


class TestWanted:
    @pytest.mark.parametrize(
        "restriction",
        [
            {"ids": frozenset({LetterId(0, 1)})},
            {"stage": "cluster"},
            {"reason": "wrong_key"},
            {"since": NOON + minutes(1)},
            {"until": NOON},
            {"key": b"other"},
            {"kafka_topics": frozenset({"articles.unique"})},
        ],
        ids=lambda given: next(iter(given)),
    )
    def test_each_restriction_keeps_letters_out(self, restriction):
        assert not Wanted(**restriction).holds(letter())
        assert not Wanted(**restriction).everything

    def test_all_that_fit_hold(self):
        fitting = Wanted(
            ids=frozenset({LetterId(0, 0)}),
            stage="dedupe",
            reason="invalid_message",
            since=NOON,
            until=NOON + minutes(1),
            key=KEY,
            kafka_topics=frozenset({"p.articles.fetched", "articles.fetched"}),
        )
        assert fitting.holds(letter())

    def test_reading_begins_at_the_first_id_of_each_partition(self):
        ids = frozenset({LetterId(0, 7), LetterId(0, 3), LetterId(2, 9)})
        assert Wanted(ids=ids).starts == {0: 3, 2: 9}
        assert Wanted(stage="index").starts is None

    def test_options_become_a_filter(self):
        options = {"topic_prefix": "p.", "stage": None, "reason": None, "since": None, "until": None, "article": None}
        found = wanted(
            ["1:2"],
            **options,
            url="http://www.phare-ouest.example/cantine.html?utm_source=rss",
            topic="articles.fetched",
        )
        assert found == Wanted(
            ids=frozenset({LetterId(1, 2)}), key=KEY, kafka_topics=frozenset({"articles.fetched", "p.articles.fetched"})
        )

    def test_moments_are_local_time(self):
        options = {"topic_prefix": "", "stage": None, "reason": None, "article": None, "url": None, "topic": None}
        found = wanted(None, **options, since=datetime(2026, 11, 25, 12, 0), until=None)  # noqa: DTZ001
        assert found.since == datetime(2026, 11, 25, 12, 0).astimezone(UTC)

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"reason": "wrong_kee"}, "there is no reason 'wrong_kee'"),
            ({"url": "cantine.html"}, "give the article's whole address"),
            ({"url": "http://a.example/", "article": "abc"}, "both name an article"),
        ],
    )
    def test_a_mistake_is_one_sentence(self, changes, sentence):
        none = dict.fromkeys(("stage", "reason", "since", "until", "article", "url", "topic"))
        with pytest.raises(UserError, match=sentence):
            wanted(None, topic_prefix="", **{**none, **changes})

    def test_all_letters_must_be_meant(self):
        with pytest.raises(UserError, match="no letter is chosen"):
            require_choice(Wanted(), everything=False)
        with pytest.raises(UserError, match="--everything goes with"):
            require_choice(Wanted(stage="index"), everything=True)
        require_choice(Wanted(), everything=True)
        require_choice(Wanted(stage="index"), everything=False)


class TestResending:
    @pytest.mark.parametrize(
        ("stage", "source", "target"),
        [
            ("dedupe", kafka_topics.FETCHED, kafka_topics.FETCHED),
            ("enrich", kafka_topics.UNIQUE, kafka_topics.UNIQUE),
            ("reenrich", kafka_topics.REENRICH, kafka_topics.REENRICH),
            ("cluster", kafka_topics.TAGGED, kafka_topics.TAGGED),
            ("index", kafka_topics.ENRICHED, kafka_topics.REDELIVERED),
            ("index", kafka_topics.TRACE, kafka_topics.REDELIVERED),
        ],
    )
    def test_a_letter_goes_back_to_the_input_of_its_stage(self, stage, source, target):
        found = letter(7, 2, stage=stage, kafka_topic=f"p.{source.name}", headers=(("a", b"1"),))
        headers = [*found.record.headers, (REPLAY_OF, b"articles.dead:2:7")]
        assert resending(found, "p.") == Resending(found, target, None, headers)

    @pytest.mark.parametrize(
        ("stage", "topic"),
        [
            ("dedupe", "p.articles.enriched"),  # cluster alone writes it
            ("dedupe", "p.articles.unique"),
            ("dedupe", "articles.fetched"),  # another installation's
            ("cluster", "p.state.cluster"),
            ("index", "p.articles.dead"),
            ("index", "p.articles.redelivered"),  # then nobody knows what it was
            ("poll", "p.feeds.state"),
            ("dedupe", ""),
        ],
    )
    def test_a_letter_that_names_another_topic_is_refused(self, stage, topic):
        found = resending(letter(stage=stage, kafka_topic=topic), "p.")
        assert isinstance(found, Refusal)
        assert repr(topic) in found.why

    def test_an_unreadable_letter_is_refused(self):
        found = resending(letter_of(dead_record()), "p.")
        assert isinstance(found, Refusal)
        assert "nobody knows where it came from" in found.why

    def test_tried_again_it_names_the_last_letter_only_and_keeps_its_history(self):
        first = resending(letter(7, 2), "p.")
        again = resending(letter(9, 2, attempts=2, headers=tuple(first.headers)), "p.")
        assert [value for name, value in again.headers if name == REPLAY_OF] == [b"articles.dead:2:9"]
        assert dead_letter_of(again.headers) == why(attempts=2)

    @pytest.mark.parametrize("key", [None, b""])
    def test_without_key_it_goes_to_the_partition_it_was_on(self, key):
        assert resending(letter(key=key), "p.").partition == 3
        garbled = letter_of(dead_record(key=key, letter=why(partition=99)))
        assert resending(garbled, "p.").partition is None
        index = letter(key=key, stage="index", kafka_topic="p.articles.trace")
        assert resending(index, "p.").partition is None


@given(st.lists(st.integers(0, 3_000_000), max_size=300))
def test_portions_keep_everything_in_order_and_are_bounded(sizes):
    made = list(portions(sizes, lambda size: size))
    assert [size for portion in made for size in portion] == sizes
    assert all(portion and len(portion) <= 100 for portion in made)
    assert all(sum(portion[:-1]) < 8 * 1024 * 1024 for portion in made)


class TestText:
    def test_of_a_traceback_the_last_line_tells(self):
        detail = "Traceback (most recent call last):\n  File …\nKeyError: 'titre'\n"
        assert first_line(letter(reason="internal_error", detail=detail)) == "KeyError: 'titre'"
        assert first_line(letter()) == "Expected `object`"
        assert first_line(letter(detail="")) == ""

    def test_nothing_steers_the_terminal(self):
        assert printable("\x1b[31mrouge\r\x07 à\u00a050\u202f%\n\t\u2028\u202e") == (
            "\\x1b[31mrouge\\r\\x07 à\u00a050\u202f%\n\t\\u2028\\u202e"
        )

    def test_value_is_text_or_a_dump(self):
        assert value_text("« été »".encode()) == "« été »"
        assert value_text(b"\xff\xfe\x00" + b"abc" * 5) == (
            "00000000  ff fe 00 61 62 63 61 62 63 61 62 63 61 62 63 61  ...abcabcabcabca\n"
            "00000010  62 63                                            bc"
        )
        assert value_text(b"") == ""

    def test_table_has_a_row_a_letter(self):
        console = Console(width=200, file=io.StringIO())
        closed = LetterClosed(partition=0, offset=2, how="replayed", at=NOON)
        console.print(letters_table([(letter(1), None), (letter(2), closed)], with_closed=True))
        head, first, second = console.file.getvalue().splitlines()
        assert head.split() == ["id", "at", "stage", "reason", "attempts", "closed", "from", "detail"]
        assert first.split()[0] == "0:1"
        assert "p.articles.fetched:3:41" in first
        assert "replayed" in second

    def test_show_tells_everything_and_what_to_do(self):
        one = letter(
            4, 1, headers=(("ce_id", b"\xff"), (REPLAY_OF, b"articles.dead:1:2")), attempts=2, value=b"{\xc3\xa9}"
        )
        text = "\n".join(line.plain for line in letter_text(one, None, "p."))
        for part in (
            "Letter 1:4",
            "open",
            "2026-11-25T12:00:00+00:00 by dedupe",
            "invalid_message: The bytes are not a message of this topic's schema.",
            "p.articles.fetched, partition 3, offset 41",
            "articles.dead:1:2",
            KEY.decode(),
            "ce_id: b'\\xff'",
            "Expected `object`\n            line 2",
            "value, 4 bytes",
            "{é}",
            "`kiosque dead replay 1:4` sends it to p.articles.fetched.",
        ):
            assert part in text, part

    def test_show_says_that_a_closed_letter_needs_nothing(self):
        closed = LetterClosed(partition=1, offset=4, how="replayed", at=NOON)
        text = "\n".join(line.plain for line in letter_text(letter(4, 1), closed, "p."))
        assert "replayed 2026-11-25T12:00:00+00:00" in text
        assert "Nothing: it is closed." in text

    def test_show_says_why_a_letter_cannot_be_replayed(self):
        text = "\n".join(line.plain for line in letter_text(letter(kafka_topic="x"), None, "p."))
        assert (
            "It cannot be replayed: its header says dedupe read it from 'x', where no letter of dedupe can go. Drop it."
            in text
        )
        unreadable = letter_of(dead_record(key=None, value=None, headers=((DEAD_LETTER, b"?"),)))
        text = "\n".join(line.plain for line in letter_text(unreadable, None, "p."))
        assert "value: null" in text
        assert "kiosque-dead-letter: ?" in text
        assert "then drop it" in text

    def test_json_has_the_same(self):
        closed = LetterClosed(partition=0, offset=0, how="dropped", at=NOON + minutes(5))
        assert json.loads(letter_json(letter(value=b"\xff"), closed, whole=True)) == {
            "id": "0:0",
            "at": "2026-11-25T12:00:00Z",
            "stage": "dedupe",
            "reason": "invalid_message",
            "attempts": 1,
            "kafka_topic": "p.articles.fetched",
            "partition": 3,
            "offset": 41,
            "key": KEY.decode(),
            "bytes": 1,
            "detail": "Expected `object`\nline 2",
            "replay_of": None,
            "closed": {"how": "dropped", "at": "2026-11-25T12:05:00Z"},
            "headers": [{"name": DEAD_LETTER, "text": letter().record.headers[-1][1].decode()}],
            "value": {"base64": "/w=="},
        }

    def test_totals_are_a_sentence(self):
        assert totals_sentence(Counter({("index", "document_rejected"): 1})) == "1 letter (index document_rejected 1)"


def test_a_letter_without_its_value_is_the_same_letter():
    assert letter(value=b"x" * 100).without_value() == letter(value=None)

import json

import pytest

from producers.records import FeedState, Record, Seen, decode_record, encode_record, record_key
from tests.producers.samples import feed_state, pending


@pytest.mark.parametrize("record", [feed_state(), pending(1)], ids=["feed", "page"])
def test_round_trip(record: Record) -> None:
    assert decode_record(record_key(record), encode_record(record)) == record


def test_keys_are_pinned() -> None:
    assert record_key(feed_state()) == "feed:https://www.lecanal.example/rss.xml"
    assert record_key(pending(1)) == f"page:{pending(1).entry.id}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("feed:https://a.example/", b"{"),
        ("feed:https://a.example/", b'{"format":2,"url":"https://a.example/","group":"a.example"}'),
        ("feed:https://a.example/", b'{"format":1,"url":"https://b.example/","group":"a.example"}'),
        ("page:00", b"[]"),
        ("other:x", b"{}"),
        ("", b""),
        ("feed:https://a.example/", b"\xff"),
    ],
)
def test_records_that_are_not_ours_are_ignored(key: str, value: bytes) -> None:
    assert decode_record(key, value) is None


def test_what_an_earlier_version_wrote_is_the_first_reading() -> None:
    seen = b'{"format":1,"url":"https://a.example/","group":"a.example","seen":{"00":["aa",1773489600]}}'
    state = decode_record("feed:https://a.example/", seen)
    assert isinstance(state, FeedState)
    assert state.seen == {"00": Seen("aa", 1773489600, 1)}


def test_a_field_of_a_later_version_is_no_obstacle() -> None:
    record = json.loads(encode_record(feed_state())) | {"new_field": 1}
    assert decode_record(record_key(feed_state()), json.dumps(record).encode()) == feed_state()

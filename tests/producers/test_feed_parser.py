"""Twins in tests/data/feeds: NAME.xml is what a server sent, NAME.json what we make of it."""

import json
import tarfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.entries import ParsedFeed
from producers.feed_parser import MAX_ENTRIES, parse_feed

DATA = Path(__file__).parent.parent / "data" / "feeds"
URL = "https://www.lecanal.example/rss.xml"


@pytest.mark.parametrize("twin", sorted(DATA.glob("*.json")), ids=lambda twin: twin.stem)
def test_twin(twin: Path) -> None:
    given = json.loads(twin.read_text("utf-8"))
    document = twin.with_suffix(".xml").read_bytes()

    parsed = parse_feed(document, url=given["url"], headers={"Content-Type": given["content_type"]})

    assert parsed == msgspec.convert(given["expect"], ParsedFeed)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_result(data: bytes) -> None:
    assert isinstance(parse_feed(data, url=URL), ParsedFeed)


def rss(items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


def test_the_charset_of_the_content_type_counts_where_the_document_names_none() -> None:
    document = rss("<item><title>L’été</title><link>https://a.example/1</link></item>").decode().encode("cp1252")

    parsed = parse_feed(document, url=URL, headers={"content-type": "text/xml; charset=windows-1252"})

    assert parsed.entries[0].title == "L’été"


def test_a_feed_served_as_html_is_a_feed() -> None:
    parsed = parse_feed(
        rss("<item><title>A</title><link>https://a.example/1</link></item>"),
        url=URL,
        headers={"content-type": "text/html"},
    )
    assert (parsed.is_feed, parsed.problems) == (True, ())


def test_more_entries_than_any_feed_has_are_cut_off() -> None:
    items = "".join(
        f"<item><title>A {n}</title><link>https://a.example/{n}</link></item>" for n in range(MAX_ENTRIES + 1)
    )
    parsed = parse_feed(rss(items), url=URL)
    assert (len(parsed.entries), parsed.problems) == (MAX_ENTRIES, ("too_many_entries",))


def test_a_title_of_five_megabytes_is_cut() -> None:
    parsed = parse_feed(
        rss(f"<item><title>{'mot ' * 1_300_000}</title><link>https://a.example/1</link></item>"), url=URL
    )
    assert len(parsed.entries[0].title) <= 2_000


@pytest.mark.parametrize(
    ("wishes", "seconds"),
    [
        ("<ttl>1</ttl>", 60),
        ("<ttl>60</ttl>", 3600),
        ("<ttl>jamais</ttl>", None),
        ("", None),
    ],
)
def test_ttl(wishes: str, seconds: int | None) -> None:
    document = f"<rss version='2.0'><channel><title>T</title>{wishes}</channel></rss>".encode()
    assert parse_feed(document, url=URL).ttl_seconds == seconds


@pytest.mark.corpus
def test_real_feeds_keep_every_entry_and_its_date(corpus: Path) -> None:
    lost, wrong = [], []
    for line in (corpus / "feeds.jsonl").read_text("utf-8").splitlines():
        known = json.loads(line)
        parsed = parse_feed((corpus / "feeds" / known["file"]).read_bytes(), url=URL)
        if len(parsed.entries) != known["n"]:
            lost.append(known["file"])
        for entry, expected in zip(parsed.entries, known["entries"], strict=False):
            read = entry.published_at.isoformat().replace("+00:00", "Z") if entry.published_at else None
            if expected["published"] and read != expected["published"]:
                wrong.append((expected["raw_date"], read))
    assert (lost, wrong) == ([], [])


@pytest.mark.corpus
def test_feedparsers_own_test_files_all_give_a_result(corpus: Path) -> None:
    with tarfile.open(corpus / "feedparser_tests_6.0.14.tar.gz") as archive:
        documents = [archive.extractfile(member).read() for member in archive if member.isfile()]  # type: ignore[union-attr]

    parsed = [parse_feed(document, url=URL) for document in documents]

    assert all(feed.is_feed or feed.problems for feed in parsed)


@pytest.mark.corpus
def test_files_of_other_encodings_are_read(corpus: Path) -> None:
    for path in (corpus / "feeds_encoding").iterdir():
        parsed = parse_feed(path.read_bytes(), url=URL)
        assert parsed.entries, path.name
        assert "\ufffd" not in "".join(entry.title for entry in parsed.entries), path.name

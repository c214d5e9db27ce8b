"""`kiosque inspect` is a black box that people and tests rely on: its keys never change."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.inspection import inspect_feed, inspect_page, inspect_url
from tests.producers.samples import NOON

DATA = Path(__file__).parent.parent / "data"
URL = "https://www.lecanal.example/a.html"


def test_url() -> None:
    assert inspect_url("https://www.lecanal.example/a.html?utm_source=rss#x") == {
        "url": "https://www.lecanal.example/a.html?utm_source=rss#x",
        "canonical": "https://www.lecanal.example/a.html",
        "id": inspect_url(URL)["id"],
    }


def test_feed_keys() -> None:
    document = (DATA / "feeds" / "rss-oddities.xml").read_bytes()
    found = inspect_feed(document, url=URL, content_type="application/rss+xml", now=NOON)
    assert list(found) == ["feed", "entries", "problems"]
    assert list(found["entries"][0]) == [
        "id", "url", "title", "summary", "authors", "published_at", "modified_at", "categories", "image",
    ]  # fmt: skip
    assert found["feed"] == {
        "title": "Le Canal – à la une",
        "language": "fr",
        "format": "rss20",
        "link": "https://www.lecanal.example/",
        "ttl_seconds": 3600,
    }
    assert found["entries"][0]["published_at"] == "2026-03-14T07:15:00Z"
    assert found["problems"] == [
        "entry_without_usable_link: 2 entries dropped",
        "date_24h: https://www.lecanal.example/transports/bac.html",
        "date_without_zone: https://www.lecanal.example/breves/peniche-ecole.html",
        "date_missing: https://www.lecanal.example/economie/fret.html",
    ]


def test_a_future_date_is_clamped_to_now() -> None:
    item = b"<title>A</title><link>https://a.example/1</link><pubDate>1 Jan 2099 10:00:00 GMT</pubDate>"
    document = b"<rss version='2.0'><channel><item>" + item + b"</item></channel></rss>"
    found = inspect_feed(document, url=URL, now=NOON)
    assert found["entries"][0]["published_at"] == "2026-03-14T12:00:00Z"
    assert found["problems"] == ["published_in_future: https://a.example/1"]


def test_page_keys() -> None:
    page = inspect_page((DATA / "pages" / "paywall.html").read_bytes(), url=URL)
    assert list(page) == [
        "url", "title", "standfirst", "text", "authors", "published_at", "modified_at", "image", "section", "agency",
        "access", "rights", "problems",
    ]  # fmt: skip
    assert (page["access"]["status"], page["access"]["truncated"]) == ("subscriber", True)
    assert page["rights"] == {"tdm_reserved": True, "evidence": ["meta tdm-reservation=1"]}


def test_a_page_that_is_no_article_says_so() -> None:
    page = inspect_page((DATA / "pages" / "cookie-wall.html").read_bytes(), url=URL)
    assert page["problems"] == ["not_an_article: consent_wall"]


@given(st.text(max_size=100))
def test_no_url_raises(url: str) -> None:
    assert set(inspect_url(url)) in ({"error"}, {"url", "canonical", "id"})


@given(st.binary(max_size=200), st.text(max_size=30))
@settings(max_examples=40, deadline=None)
def test_no_document_raises(data: bytes, url: str) -> None:
    json.dumps([inspect_page(data, url=url), inspect_feed(data, url=url, content_type=url, now=NOON)])


@pytest.mark.corpus
def test_every_real_input_gives_one_json_document(corpus: Path) -> None:
    pages = [json.loads(line) for line in (corpus / "pages.jsonl").read_text("utf-8").splitlines()]
    found = [
        *(inspect_page(gzip.decompress((corpus / "pages" / p["file"]).read_bytes()), url=p["url"]) for p in pages),
        *(inspect_feed(f.read_bytes(), url=URL, now=NOON) for f in (corpus / "feeds").iterdir()),
    ]
    assert [one for one in found if "error" in one] == []
    json.dumps(found)

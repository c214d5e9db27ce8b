"""Twins in tests/data/pages: NAME.html is what a server sent, NAME.json what we make of it."""

import gzip
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.extraction import Page, decoded, extract_page

DATA = Path(__file__).parent.parent / "data" / "pages"
URL = "https://www.lecanal.example/article.html"
SENTENCE = "Le canal de Nantes à Brest, coupé depuis la crue, sera rendu à la navigation lundi à midi, dit la région. "


@pytest.mark.parametrize("twin", sorted(DATA.glob("*.json")), ids=lambda twin: twin.stem)
def test_twin(twin: Path) -> None:
    given = json.loads(twin.read_text("utf-8"))

    page = extract_page(
        twin.with_suffix(".html").read_bytes(),
        url=given["url"],
        headers={"Content-Type": "text/html"},
        announced_title=given["announced_title"],
    )

    assert page == msgspec.convert(given["expect"], Page)


@given(st.binary(max_size=400))
@settings(max_examples=40, deadline=None)
def test_any_bytes_give_a_page(data: bytes) -> None:
    assert isinstance(extract_page(data, url=URL), Page)


def page_of(head: str = "", body: str = "", paragraphs: int = 5) -> bytes:
    text = "".join(f"<p>{SENTENCE}{number}</p>" for number in range(paragraphs))
    return (
        f"<html><head>{head}</head><body><article><h1>Le canal rouvre</h1>{text}{body}</article></body></html>".encode()
    )


def test_the_reservation_may_come_as_a_header() -> None:
    page = extract_page(page_of(), url=URL, headers={"TDM-Reservation": "1", "X-Robots-Tag": "noarchive"})
    assert (page.rights.tdm_reserved, page.rights.robots, page.rights.evidence) == (
        True,
        ("noarchive",),
        ("header tdm-reservation=1",),
    )


def test_a_page_that_speaks_of_something_else_is_not_the_announced_article() -> None:
    page = extract_page(page_of(paragraphs=3), url=URL, announced_title="Handball : Quimper détrône le champion")
    assert page.verdict == "other_page"


def test_a_description_made_of_the_first_paragraph_stays_in_the_text() -> None:
    page = extract_page(page_of(head=f'<meta name="description" content="{SENTENCE}0">'), url=URL)
    assert (page.standfirst, page.text.split("\n")[0]) == (None, f"{SENTENCE}0")


def test_a_canonical_link_to_another_site_is_not_followed() -> None:
    page = extract_page(page_of(head='<link rel="canonical" href="https://www.agence.example/depeche">'), url=URL)
    assert page.canonical is None


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("L’été coûte 5 €".encode(), "text/html; charset=iso-8859-1", "L’été coûte 5 €"),
        ("L’été coûte 5 €".encode("cp1252"), "text/html; charset=iso-8859-1", "L’été coûte 5 €"),
        ("L’été coûte 5 €".encode("cp1252"), "text/html; charset=utf-8", "L’été coûte 5 €"),
        ("L’été coûte 5 €".encode("cp1252"), None, "L’été coûte 5 €"),
        ("\ufeffL’été".encode(), None, "L’été"),
        ("Œuvre à 5 €".encode("iso-8859-15"), "text/html; charset=iso-8859-15", "Œuvre à 5 €"),
    ],
)
def test_decoding(data: bytes, content_type: str | None, text: str) -> None:
    assert decoded(data, content_type) == text


# --- the real pages: floors, not goals ------------------------------------------------------------------------------

TITLES, DAYS, TEXTS = 0.85, 0.94, 0.94


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())


def token_f1(text: str, gold: str) -> float:
    found, wanted = Counter(words(text)), Counter(words(gold))
    common = sum((found & wanted).values())
    return 2 * common / (sum(found.values()) + sum(wanted.values())) if common else 0.0


def read_pages(corpus: Path) -> dict[str, tuple[dict[str, Any], Page]]:
    known = [json.loads(line) for line in (corpus / "pages.jsonl").read_text("utf-8").splitlines()]
    return {
        record["id"]: (
            record,
            extract_page(gzip.decompress((corpus / "pages" / record["file"]).read_bytes()), url=record["url"]),
        )
        for record in known
    }


@pytest.mark.corpus
def test_real_pages_reach_the_floors(corpus: Path) -> None:
    pages = read_pages(corpus)
    gold = [json.loads(line) for line in (corpus / "gold_text.jsonl").read_text("utf-8").splitlines()]

    scores = [token_f1(pages[item["id"]][1].text, item["text"]) for item in gold]
    titles = [
        words(page.title) == words(record["expect"]["title"])
        for record, page in pages.values()
        if record["expect"].get("title")
    ]
    days = [
        str(page.published_at)[:10] == record["expect"]["date"][:10]
        for record, page in pages.values()
        if record["expect"].get("date")
    ]
    wrong_access = [
        record["id"]
        for record, page in pages.values()
        if (page.access.status == "subscriber") != record["paywalled"]
        or (record["paywalled"] and not page.access.evidence)
    ]

    assert sum(scores) / len(scores) >= TEXTS
    assert sum(titles) / len(titles) >= TITLES
    assert sum(days) / len(days) >= DAYS
    assert wrong_access == []

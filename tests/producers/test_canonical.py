import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.canonical import article_id, canonical_url, registrable_domain, same_site

CASES = json.loads((Path(__file__).parent / "url_cases.json").read_text("utf-8"))


@pytest.mark.parametrize(("url", "canonical", "why"), CASES, ids=[case[2] for case in CASES])
def test_canonical_url(url: str, canonical: str, why: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "file:///etc/passwd", "/relative", "https://", "mailto:a@b.example", "https://a:b/"],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"http|[Pp]ort"):
        canonical_url(url)


hosts = st.sampled_from(["www.lecanal.example", "amp.lecanal.example", "LECANAL.example", "127.0.0.1", "été.example"])
parts = st.text(st.characters(codec="utf-8", exclude_characters="/?#\\"), max_size=12)


@given(hosts, st.lists(parts, max_size=5), st.lists(st.tuples(parts, parts), max_size=4), parts)
def test_canonical_is_idempotent(host: str, path: list[str], query: list[tuple[str, str]], fragment: str) -> None:
    url = f"https://{host}/{'/'.join(path)}?{'&'.join(f'{name}={value}' for name, value in query)}#{fragment}"
    once = canonical_url(url)
    assert canonical_url(once) == once


@given(st.sampled_from(["utm_source=x", "fbclid=1", "xtor=RSS-3", "at_medium=RSS", "mc_eid=2", "#xtor=AD-1"]))
def test_tracking_changes_nothing(tracking: str) -> None:
    plain = "https://www.lecanal.example/spip.php?article123&lang=fr"
    assert canonical_url(plain + ("" if tracking.startswith("#") else "&") + tracking) == canonical_url(plain)


def test_article_ids_are_pinned() -> None:
    """The key of every topic and index: it must never change."""
    assert article_id("https://www.lecanal.example/a.html") == "5eaafcb13aa754c7d1454a4e905f82fe"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.lemonde.fr/a", "lemonde.fr"),
        ("https://golf.lefigaro.fr/a", "lefigaro.fr"),
        ("https://www.impots.gouv.fr/", "impots.gouv.fr"),
        ("https://news.bbc.co.uk/1", "bbc.co.uk"),
        ("http://rss.radiohorizon.example/x", "radiohorizon.example"),
        ("http://localhost:8080/", "localhost"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://[::1]/", "::1"),
        ("lemonde.fr", "lemonde.fr"),
        ("", ""),
    ],
)
def test_registrable_domain(url: str, domain: str) -> None:
    assert registrable_domain(url) == domain


def test_same_site() -> None:
    assert same_site("https://www.lecanal.example/a", "http://feeds.lecanal.example/b")
    assert not same_site("https://www.lecanal.example/a", "https://www.leport.example/a")


@pytest.mark.corpus
def test_the_cases_of_the_corpus_hold(corpus: Path) -> None:
    cases = json.loads((corpus / "url_cases.json").read_text("utf-8"))
    wrong = [(case, canonical_url(case["url"])) for case in cases if canonical_url(case["url"]) != case["want"]]
    assert wrong == []


@pytest.mark.corpus
def test_canonical_is_idempotent_on_every_real_link(corpus: Path) -> None:
    links = {
        entry["link"]
        for line in (corpus / "feeds.jsonl").read_text("utf-8").splitlines()
        for entry in json.loads(line)["entries"]
        if entry["link"]
    }
    assert [link for link in links if canonical_url(canonical_url(link)) != canonical_url(link)] == []

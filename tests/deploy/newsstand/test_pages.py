"""Pages: each text once, readable by the extractor that the producers use, with the metadata of its template."""

import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
import trafilatura

from deploy.newsstand import load_stand
from deploy.newsstand.pages import picture

NAMES = [article.name for article in load_stand(datetime(2026, 1, 1, tzinfo=UTC)).articles]
WITH_TEXT = [name for name in NAMES if name != "canigou-colocation"]


@pytest.fixture
def page(ask, stand):
    return lambda name: ask(stand.url_of(stand.article_by_name[name])).body.decode()


def tokens(text):
    return Counter(re.findall(r"\w+", text.lower()))


def f1(gold, found):
    common = sum((tokens(gold) & tokens(found)).values())
    return 2 * common / (sum(tokens(gold).values()) + sum(tokens(found).values()))


def visible_blocks(article):
    return article.blocks[: article.teaser_blocks] if article.wall == "paywall" else article.blocks


@pytest.mark.parametrize("name", WITH_TEXT)
def test_the_text_is_on_the_page_exactly_once(page, stand, name):
    html = page(name)
    counts = [html.count(f">{block.text}<") for block in visible_blocks(stand.article_by_name[name])]
    assert counts == [1] * len(counts)


@pytest.mark.parametrize("name", WITH_TEXT)
def test_trafilatura_finds_the_text(page, stand, name):
    article = stand.article_by_name[name]
    text = trafilatura.extract(page(name), favor_precision=True, include_comments=False, include_tables=False)
    assert f1(" ".join(block.text for block in visible_blocks(article)), text) >= 0.9
    assert not re.search(r"cookies|Les plus lus|Lire aussi|réagir|Mentions légales|newsletter", text)


@pytest.mark.parametrize("name", WITH_TEXT)
def test_every_page_has_the_furniture_of_the_web(page, stand, name):
    html = page(name)
    article = stand.article_by_name[name]
    publisher = stand.publisher_by_id[article.publisher]
    assert f'<link rel="canonical" href="{stand.url_of(article)}"' in html
    assert f'lang="{article.language}"' in html
    assert all(f">{section}</a>" in html for section in publisher.sections)
    assert all(part in html for part in ("cookie", "<h1", "site-footer", "newsletter", "share"))
    others = [other.title for other in stand.articles if other.publisher == publisher.id and other is not article]
    assert any(other in html for other in others)


@pytest.mark.parametrize("name", WITH_TEXT)
def test_structured_data_says_what_the_page_says(page, stand, name):
    article = stand.article_by_name[name]
    template = stand.publisher_by_id[article.publisher].template
    scripts = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page(name), re.DOTALL)
    if template == "soup":
        assert scripts == []
        assert f'<meta name="DC.title" content="{article.title}" />' in page(name)
        return
    (data,) = map(json.loads, scripts)
    (news,) = [node for node in data.get("@graph", [data]) if node["@type"] == "NewsArticle"]
    assert ("@graph" in data) is (template == "graph")
    assert news["headline"] == article.title
    assert news["isAccessibleForFree"] is (article.wall != "paywall")
    assert datetime.fromisoformat(news["datePublished"]) == stand.opened_at + article.published


def test_three_templates_are_in_use(stand):
    assert {publisher.template for publisher in stand.publishers} == {"semantic", "soup", "graph"}


def test_a_picture_is_a_png(ask):
    answer = ask("http://www.apl.example/images/apl-cargo-ouessant.png")
    assert (answer.headers["Content-Type"], answer.body) == ("image/png", picture("#8a1c1c"))
    assert answer.body.startswith(b"\x89PNG\r\n\x1a\n")

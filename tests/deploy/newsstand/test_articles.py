"""The articles as French newspapers would print them, and the loader's refusals."""

import re
from datetime import UTC, datetime, timedelta

import py3langid
import pytest

from deploy.newsstand import BadArticle, load_stand, parse_article
from deploy.newsstand.loading import blocks_of, offset, parse_publisher
from deploy.newsstand.model import Block
from deploy.newsstand.wording import french_date, slug

STAND = load_stand(datetime(2026, 1, 1, tzinfo=UTC))
WHOLE = [article for article in STAND.articles if article.wall != "cookies" and article.language == "fr"]
FRONT = 'publisher = "apl.example"\npath = "/x"\nsection = "Monde"\ntitle = "T"\nstandfirst = "S"\n'


def words(article):
    return sum(len(re.findall(r"\w+", block.text)) for block in article.blocks)


def texts(article):
    yield from (article.title, article.standfirst, article.caption, *article.categories)
    yield from (block.text for block in article.blocks)
    if article.correction:
        yield from (article.correction.title, article.correction.text)


@pytest.mark.parametrize("article", WHOLE, ids=lambda article: article.name)
def test_length(article):
    assert 150 <= words(article) <= 600


@pytest.mark.parametrize("article", STAND.articles, ids=lambda article: article.name)
def test_typography(article):
    for text in texts(article):
        assert not re.search(r"['\"]|\.\.\.|  |\s[,.](?!\w)|oeu", text), text
        assert text.count("«") == text.count("»"), text
        if article.language == "fr":
            assert not re.search(r"«\S|\S»|[^\s:?!];|\w[?!](?!\w)", text), text
            assert not re.search(r"\b[ldjnmtsc] (?=[aeiouéèêh])", text), text


@pytest.mark.parametrize("article", WHOLE, ids=lambda article: article.name)
def test_texts_are_french(article):
    assert py3langid.classify(" ".join(block.text for block in article.blocks))[0] == "fr"


def test_there_is_enough_to_read():
    assert len([article for article in WHOLE if not article.copy_of]) >= 18
    assert {article.language for article in STAND.articles} == {"fr", "ca", "en"}


def test_agency_texts_share_what_they_should():
    original = STAND.article_by_name["apl-cargo-ouessant"]
    copy, edited, brief = (STAND.article_by_name[f"{name}-cargo-ouessant"] for name in ("cadran", "phare", "alize"))
    assert copy.blocks == original.blocks
    assert edited.title != original.title
    assert [block.text for block in brief.blocks[:2]] == [
        original.blocks[0].text.removeprefix("BREST – "),
        original.blocks[1].text,
    ]
    for article in (original, copy, edited, brief):
        assert article.blocks[-1].text.endswith("(APL)")


@pytest.mark.parametrize(
    ("text", "distance"),
    [
        ("2h", timedelta(hours=-2)),
        ("5d", timedelta(days=-5)),
        ("+6s", timedelta(seconds=6)),
        ("35m", timedelta(0, -2100)),
    ],
)
def test_offset(text, distance):
    assert offset(text) == distance


def test_blocks_of_a_body():
    assert blocks_of("Un\ndeux.\n\n## Trois\n\n\nQuatre.\n") == (
        Block("p", "Un deux."),
        Block("h2", "Trois"),
        Block("p", "Quatre."),
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("no front matter", "no front matter"),
        ("+++\n" + FRONT + 'published = "soon"\n+++\nText.\n', "'soon' is not an offset"),
        ("+++\n" + FRONT + 'published = "1h"\n+++\nText.\n', "feeds"),
        ("+++\n" + FRONT + 'published = "1h"\nfeeds = ["fil"]\ntone = "gay"\n+++\nText.\n', "unknown tone"),
    ],
)
def test_a_bad_article_is_refused_by_name(source, reason):
    with pytest.raises(BadArticle, match=reason):
        parse_article("bad", source)


@pytest.mark.parametrize(
    ("line", "body", "reason"),
    [
        ('feeds = ["none"]', "Text.", "no feed, or an unknown one"),
        ('feeds = ["fil"]', "", "no body"),
        ('feeds = ["fil"]\nwall = "brick"', "Text.", "an unknown wall"),
        (
            'feeds = ["fil"]\n[correction]\ntitle = "T"\nparagraph = 3\ntext = "X"',
            "Text.",
            "a correction of no paragraph",
        ),
    ],
)
def test_a_stand_with_a_bad_article_is_refused(line, body, reason):
    extra = parse_article("bad", f'+++\n{FRONT}published = "1h"\n{line}\n+++\n{body}\n')
    with pytest.raises(BadArticle, match=f"bad has .*{reason}"):
        load_stand(STAND.opened_at, extra_articles=[extra])


def test_two_articles_cannot_have_one_address():
    extra = parse_article("again", f'+++\n{FRONT}published = "1h"\nfeeds = ["fil"]\n+++\nText.\n')
    twin = parse_article("twin", f'+++\n{FRONT}published = "1h"\nfeeds = ["fil"]\n+++\nText.\n')
    with pytest.raises(BadArticle, match="two things have the address"):
        load_stand(STAND.opened_at, extra_articles=[extra, twin])


def test_a_publisher_with_an_unknown_key_is_refused():
    with pytest.raises(BadArticle, match="unknown owner"):
        parse_publisher({"id": "x.example", "owner": "nobody"})


def test_french_date_in_the_publishers_zone():
    reunion = STAND.publisher_by_id["alize-reunion.example"].time_zone
    assert french_date(datetime(2026, 11, 30, 20, 5, tzinfo=UTC), reunion) == "1er décembre 2026 à 0h05"


def test_slug():
    assert slug("Économie et social") == "economie-et-social"

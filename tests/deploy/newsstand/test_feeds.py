"""Feeds as feedparser reads them, and the catalogue that names them."""

import tomllib
from datetime import UTC, datetime, timedelta

import feedparser
import pytest

from deploy.newsstand import feeds_catalogue, hosts, load_stand

OPENED_AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # as in conftest.py
FEEDS = [
    f"http://{feed.host}{feed.moved_to or feed.path}"
    for publisher in load_stand(OPENED_AT).publishers
    for feed in publisher.feeds
    if feed.answer not in ("html", "gone")
]


@pytest.fixture
def read(ask):
    """read(url) -> what feedparser makes of the feed, past the first 429."""

    def _read(url, **options):
        reads = {url: OPENED_AT - timedelta(days=1)} | options.pop("reads", {})
        answer = ask(url, reads=reads, **options)
        assert answer.status == 200
        return feedparser.parse(
            answer.body, response_headers={name.lower(): value for name, value in answer.headers.items()}
        )

    return _read


def moment(parts):
    return datetime(*parts[:6], tzinfo=UTC)


@pytest.mark.parametrize("url", FEEDS)
def test_a_feed_is_well_formed_and_its_entries_are_the_articles(read, stand, url):
    parsed = read(url)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.entries
    by_url = {stand.url_of(article): article for article in stand.articles}
    for entry in parsed.entries:
        article = by_url[entry.link.partition("#")[0].partition("?")[0]]
        assert entry.title == article.title
        assert article.standfirst in entry.summary
        assert moment(entry.published_parsed) == stand.opened_at + article.published
        assert moment(entry.updated_parsed) == stand.opened_at + article.published
        assert [tag.term for tag in entry.tags] == [article.section, *article.categories]
        assert entry.author
    dates = [entry.published_parsed for entry in parsed.entries]
    assert dates == sorted(dates, reverse=True)


def test_every_article_is_announced_and_two_of_them_twice(read, stand):
    links = [entry.link.partition("#")[0].partition("?")[0] for url in FEEDS for entry in read(url).entries]
    assert sorted(links) == sorted(stand.url_of(article) for article in stand.articles for _ in article.feeds)
    assert len(links) == len(set(links)) + 2


def test_the_corrected_title_and_its_time_are_in_the_feed(read, stand):
    article = stand.article_by_name["phare-ecole-rennes"]
    reads = {article.name: OPENED_AT + timedelta(seconds=20)}
    entries = read("http://www.phare-ouest.example/rss/une.xml", reads=reads).entries
    (entry,) = (entry for entry in entries if "Louise-Michel" in entry.title)
    assert entry.title == article.correction.title
    assert moment(entry.published_parsed) == OPENED_AT - timedelta(minutes=90)
    assert moment(entry.updated_parsed) == OPENED_AT + timedelta(seconds=28)


def test_the_habits_of_real_feeds_are_there(read):
    une = read("http://www.lecadran.example/rss/une.xml").entries[0]
    assert une.id.endswith("#xtor=RSS-3-[une]")
    assert une.media_content[0]["type"] == "image/png"
    assert read("http://www.phare-ouest.example/rss/une.xml").entries[0].id.startswith("tag:phare-ouest.example,2026:")
    radio = read("http://rss.radiohorizon.example/a-la-une.rss").entries[0]
    assert radio.enclosures[0]["type"] == "audio/mpeg"
    assert "at_medium=RSS" in radio.link
    assert read("http://www.alize-reunion.example/rss/actualites.xml").encoding == "windows-1252"
    assert read("http://www.apl.example/atom/fil-general.xml").version == "atom10"


def test_one_feed_carries_the_whole_text(read, stand):
    entries = read("http://www.sciencesenclair.example/feed").entries
    for entry in entries:
        (article,) = (article for article in stand.articles if article.title == entry.title)
        assert all(f"<{block.kind}>{block.text}</{block.kind}>" in entry.content[0].value for block in article.blocks)


def test_the_catalogue_names_every_feed_in_the_producers_format(stand):
    tables = tomllib.loads(feeds_catalogue(stand))["publisher"]
    assert tables[1] == {
        "id": "phare-ouest.example",
        "name": "Le Phare de l’Ouest",
        "kind": "regional",
        "group": "Groupe Cadran",
        "country": "FR",
        "language": "fr",
        "coverage": ["44", "35", "56"],
        "feed": [
            {"url": "http://www.phare-ouest.example/rss/une.xml", "section": "une"},
            {"url": "http://www.phare-ouest.example/rss/sport.xml", "section": "sport"},
        ],
    }
    assert [table["kind"] for table in tables] == [
        "national",
        "regional",
        "regional",
        "agency",
        "magazine",
        "broadcaster",
        "web",
    ]
    assert sum(len(table["feed"]) for table in tables) == 12


def test_hosts_are_reserved_names(stand):
    assert len(hosts(stand)) == 8
    assert all(host.endswith(".example") for host in hosts(stand))

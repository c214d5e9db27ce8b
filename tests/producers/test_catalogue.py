from importlib import resources

import pytest

from producers.catalogue import Catalogue, Feed, load_catalogue
from producers.errors import ProducerError
from schemas.articles import Publisher

TOML = """
[[publisher]]
id = "lecanal.example"
name = "Le Canal"
kind = "regional"
group = "Groupe Écluse"
coverage = ["44", "56"]
politeness_group = "pages.example"
[[publisher.feed]]
url = "https://feeds.lecanal.example/une.xml"
[[publisher.feed]]
url = "https://feeds.lecanal.example/sport.xml"
section = "Sport"
topic = "medtop:15000000"
"""
LE_CANAL = Publisher(
    id="lecanal.example", name="Le Canal", kind="regional", group="Groupe Écluse", coverage=("44", "56")
)


def test_toml() -> None:
    assert load_catalogue(TOML, "mine.toml") == Catalogue(
        (
            Feed(url="https://feeds.lecanal.example/une.xml", publisher=LE_CANAL, group="pages.example"),
            Feed(
                url="https://feeds.lecanal.example/sport.xml",
                publisher=LE_CANAL,
                group="pages.example",
                section="Sport",
                topic="medtop:15000000",
            ),
        )
    )


def derived(url: str, domain: str, section: str = "") -> Feed:
    return Feed(url=url, publisher=Publisher(id=domain, name=domain), group=domain, section=section)


def test_a_list_of_addresses() -> None:
    text = "# mes flux\nhttps://rss.lecanal.example/une.xml # à la une\n\nhttps://www.lemonde.fr/rss/une.xml\n"
    assert load_catalogue(text * 2, "feeds.txt").feeds == (
        derived("https://rss.lecanal.example/une.xml", "lecanal.example"),
        derived("https://www.lemonde.fr/rss/une.xml", "lemonde.fr"),
    )


@pytest.mark.parametrize("name", ["feeds.opml", "feeds.txt"])
def test_opml(name: str) -> None:
    text = """<?xml version="1.0" encoding="UTF-8"?>
    <opml version="2.0"><head/><body>
      <outline text="Régions"><outline text="Le Canal" xmlUrl="https://rss.lecanal.example/une.xml"/></outline>
      <outline text="Le Port" xmlUrl="https://www.leport.example/rss"/>
    </body></opml>"""
    assert load_catalogue(text, name).feeds == (
        derived("https://rss.lecanal.example/une.xml", "lecanal.example", "Régions"),
        derived("https://www.leport.example/rss", "leport.example"),
    )


@pytest.mark.parametrize(
    ("text", "name", "problem"),
    [
        ("", "a.txt", "names no feed"),
        ("= 1", "a.toml", "is not TOML"),
        ('[[publisher]]\nid = 1\nname = "x"', "a.toml", r"wrong field .*publisher\[0\]\.id"),
        ('[[publisher]]\nid = "a"\nname = "x"\nurl = "y"', "a.toml", "wrong field .*url"),
        ('[[publisher]]\nid = "a"\nname = "x"\nkind = "blog"', "a.toml", "wrong field .*kind"),
        (TOML.replace("sport.xml", "une.xml"), "a.toml", "twice"),
        ("ftp://a.example/rss", "a.txt", "no web address"),
        ("<opml><body>", "a.opml", "is not OPML"),
    ],
)
def test_mistakes_are_named_with_what_to_do(text: str, name: str, problem: str) -> None:
    with pytest.raises(ProducerError, match=problem) as caught:
        load_catalogue(text, name)
    assert caught.value.advice


def test_entities_of_an_opml_file_are_not_followed() -> None:
    text = """<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/hostname">]>
    <opml><body><outline text="&x;" xmlUrl="https://www.leport.example/rss"/></body></opml>"""
    with pytest.raises(ProducerError, match="external entity"):
        load_catalogue(text, "a.opml")


def test_the_default_list_is_valid_and_on_https() -> None:
    text = resources.files("producers").joinpath("catalogue.toml").read_text("utf-8")
    feeds = load_catalogue(text, "catalogue.toml").feeds
    assert len(feeds) >= 25
    assert all(feed.url.startswith("https://") and feed.publisher.country == "FR" for feed in feeds)

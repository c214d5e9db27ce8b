"""Catalogue text -> the feeds to poll, validated.

Three forms are read, told apart by the file's name and content:

    catalogue.toml    publishers with their feeds; the full form (docs: see catalogue.toml beside this file)
    *.opml, *.xml     OPML 2.0, as feed readers export it
    anything else     one feed address a line, `#` starts a comment

In the last two the publisher is derived from the feed's domain. Reading files is left to the caller.
"""

import tomllib
from collections.abc import Iterable
from typing import Annotated, Final

import msgspec
from lxml import etree
from msgspec import Meta, Struct

from producers.canonical import canonical_url, registrable_domain
from producers.errors import ProducerError
from schemas.articles import Publisher, PublisherKind

_FORMAT_ADVICE: Final = "compare with the default list, producers/catalogue.toml"
_Text = Annotated[str, Meta(min_length=1)]


class Feed(Struct, frozen=True, kw_only=True):
    """One feed to poll.

    Attributes:
        url: as given; its spelling is the key of the feed's memory.
        group: politeness group: the domain whose *pages* are read. One group is polled by one poller.
        section: the publisher's section, "" for the whole paper.
        topic: hint for the topic labels, an IPTC top-level code or None.
    """

    url: str
    publisher: Publisher
    group: str
    language: str = "fr"
    section: str = ""
    topic: str | None = None


class Catalogue(Struct, frozen=True):
    """All feeds, in the order of the file."""

    feeds: tuple[Feed, ...]

    def feed(self, url: str) -> Feed | None:
        """The feed at an address, or None."""
        return next((feed for feed in self.feeds if feed.url == url), None)


class _FeedTable(Struct, forbid_unknown_fields=True):
    url: _Text
    section: str = ""
    topic: str | None = None


class _PublisherTable(Struct, forbid_unknown_fields=True):
    id: _Text
    name: _Text
    kind: PublisherKind = "web"
    group: str | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] = "FR"
    language: Annotated[str, Meta(pattern="^[a-z]{2,3}$")] = "fr"
    coverage: tuple[str, ...] = ()
    politeness_group: str | None = None
    feed: tuple[_FeedTable, ...] = ()


class _CatalogueTable(Struct, forbid_unknown_fields=True):
    publisher: tuple[_PublisherTable, ...]


def load_catalogue(text: str, name: str) -> Catalogue:
    """The feeds in a catalogue, an OPML document or a list of addresses.

    Args:
        text: the file's content.
        name: the file's name, for its extension and for messages.

    Raises:
        ProducerError: not readable, a wrong field, not a web address, a feed twice, or no feed at all.
    """
    lowered = name.lower()
    if lowered.endswith(".toml"):
        feeds = _from_toml(text, name)
    elif lowered.endswith((".opml", ".xml")) or text.lstrip().startswith("<"):
        feeds = _from_addresses(_opml_addresses(text, name), name)
    else:
        feeds = _from_addresses(_listed_addresses(text), name)
    if not feeds:
        raise ProducerError(
            f"the catalogue {name} names no feed", "add one feed address a line, or use the default list"
        )
    return Catalogue(tuple(feeds))


def _from_toml(text: str, name: str) -> list[Feed]:
    try:
        table = msgspec.convert(tomllib.loads(text), _CatalogueTable)
    except tomllib.TOMLDecodeError as error:
        raise ProducerError(f"the catalogue {name} is not TOML ({error})", _FORMAT_ADVICE) from error
    except msgspec.ValidationError as error:
        raise ProducerError(f"the catalogue {name} has a wrong field ({error})", _FORMAT_ADVICE) from error
    feeds: dict[str, Feed] = {}
    for publisher in table.publisher:
        for feed in publisher.feed:
            _check_address(feed.url, name)
            if feed.url in feeds:
                raise ProducerError(f"the catalogue {name} has the feed {feed.url} twice", "remove one of the two")
            feeds[feed.url] = _feed(publisher, feed)
    return list(feeds.values())


def _feed(table: _PublisherTable, feed: _FeedTable) -> Feed:
    publisher = Publisher(
        id=table.id,
        name=table.name,
        kind=table.kind,
        group=table.group or None,
        coverage=table.coverage,
        country=table.country,
    )
    return Feed(
        url=feed.url,
        publisher=publisher,
        group=table.politeness_group or table.id,
        language=table.language,
        section=feed.section,
        topic=feed.topic,
    )


def _from_addresses(addresses: Iterable[tuple[str, str]], name: str) -> list[Feed]:
    """Feeds of (address, section); the publisher is the feed's registrable domain."""
    feeds: dict[str, Feed] = {}
    for address, section in addresses:
        _check_address(address, name)
        domain = registrable_domain(address)
        publisher = Publisher(id=domain, name=domain)
        feeds.setdefault(address, Feed(url=address, publisher=publisher, group=domain, section=section))
    return list(feeds.values())


def _listed_addresses(text: str) -> list[tuple[str, str]]:
    lines = (line.split(" #", 1)[0].strip() for line in text.splitlines())
    return [(line, "") for line in lines if line and not line.startswith("#")]


def _opml_addresses(text: str, name: str) -> list[tuple[str, str]]:
    """Every outline with an `xmlUrl`; the outline above it gives the section."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ProducerError(
            f"the feed list {name} is not OPML ({error})", "export it again from the feed reader"
        ) from error
    found = []
    for outline in root.iter("outline"):
        address = outline.get("xmlUrl")
        above = outline.getparent()
        if address:
            section = (
                above.get("title") or above.get("text") or "" if above is not None and above.tag == "outline" else ""
            )
            found.append((address.strip(), section))
    return found


def _check_address(address: str, name: str) -> None:
    try:
        canonical_url(address)
    except ValueError as error:
        raise ProducerError(
            f"the catalogue {name} names {address!r}, which is no web address",
            "give the full address with http:// or https://",
        ) from error

"""Files -> a validated `Stand`: `publishers.toml` and `articles/NAME.md` (TOML front matter between +++ lines, then
paragraphs separated by blank lines, subheads marked `## `).

A mistake in this data is a mistake of the project, so it raises `BadArticle` with the name of the file; nothing is
repaired silently.
"""

import dataclasses
import re
import tomllib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, get_args

from dateutil import tz

from deploy.newsstand.model import Article, Block, Correction, Feed, FeedAnswer, FeedFormat, Publisher, Stand, Wall

_OFFSET = re.compile(r"(?P<after>\+)?(?P<count>\d+)(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TUPLES = {"authors", "categories", "feeds", "sections", "coverage", "disallow"}
_FILES = resources.files("deploy.newsstand")


class BadArticle(ValueError):
    """An article or publisher of the newsstand is not well formed; the message names it."""


def offset(text: str) -> timedelta:
    """A time relative to the opening: "2h" is two hours before it, "+6s" six seconds after it; units s, m, h, d."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise BadArticle(f"{text!r} is not an offset like 35m, 2h, 5d or +6s")
    distance = timedelta(**{_UNITS[match["unit"]]: int(match["count"])})
    return distance if match["after"] else -distance


def blocks_of(body: str) -> tuple[Block, ...]:
    """The paragraphs and subheads of a body; line breaks within a paragraph are spaces."""
    chunks = (" ".join(chunk.split()) for chunk in re.split(r"\n\s*\n", body.strip()))
    return tuple(
        Block("h2", chunk.removeprefix("## ")) if chunk.startswith("## ") else Block("p", chunk)
        for chunk in chunks
        if chunk
    )


def _fields(kind: type[Any], table: dict[str, Any], what: str) -> dict[str, Any]:
    """The table with arrays as tuples, refused if it has keys that `kind` has not."""
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(set(table) - known):
        raise BadArticle(f"{what}: unknown {', '.join(unknown)}")
    return {key: tuple(value) if key in _TUPLES else value for key, value in table.items()}


def parse_article(name: str, source: str) -> Article:
    """An article from the text of its file.

    Args:
        name: the file's name without ending; names the article in tests and expectations.
        source: front matter and body, see the module's docstring.

    Raises:
        BadArticle: a key is unknown or missing, or a value is not of its kind.
    """
    parts = source.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():  # noqa: PLR2004 - nothing, front matter, body
        raise BadArticle(f"{name}: no front matter between +++ lines")
    table = _fields(Article, tomllib.loads(parts[1]), name)
    table["published"] = offset(table.get("published", ""))
    if correction := table.get("correction"):
        table["correction"] = Correction(**correction)
    try:
        return Article(name=name, blocks=blocks_of(parts[2]), **table)
    except TypeError as error:
        raise BadArticle(f"{name}: {error}") from error


def parse_publisher(table: dict[str, Any]) -> Publisher:
    """A publisher from its table in publishers.toml; feeds live on the publisher's host unless they name another."""
    fields = _fields(Publisher, table, table.get("id", "publisher without id"))
    feeds = (_fields(Feed, {"host": table["host"]} | feed, table["id"]) for feed in table["feeds"])
    fields["feeds"] = tuple(Feed(**feed) for feed in feeds)
    if (zone := tz.gettz(table["time_zone"])) is None:
        raise BadArticle(f"{table['id']}: unknown time zone {table['time_zone']}")
    fields["time_zone"] = zone
    for feed in fields["feeds"]:
        if feed.answer not in get_args(FeedAnswer) or feed.format not in get_args(FeedFormat):
            raise BadArticle(f"{table['id']}: unknown answer or format of feed {feed.name}")
    return Publisher(**fields)


def _with_agency_text(article: Article, by_name: dict[str, Article]) -> Article:
    """The article with the agency's text where it takes it verbatim, and with the credit at its end."""
    if not article.agency:
        return article
    blocks = article.blocks or by_name[article.copy_of].blocks
    credit = f"({article.agency})"
    if credit not in blocks[-1].text:
        blocks = (*blocks[:-1], Block("p", f"{blocks[-1].text} {credit}"))
    return dataclasses.replace(article, blocks=blocks)


def _check(article: Article, publishers: dict[str, Publisher]) -> None:
    publisher = publishers.get(article.publisher)
    if publisher is None:
        raise BadArticle(f"{article.name}: unknown publisher {article.publisher}")
    known_feeds = {feed.name for feed in publisher.feeds}
    correction = article.correction
    problems = {
        "a path that does not start with /": not article.path.startswith("/"),
        "an unknown wall": article.wall not in get_args(Wall),
        "no feed, or an unknown one": not article.feeds or not set(article.feeds) <= known_feeds,
        "no body": not article.blocks and article.wall != "cookies",
        "a section that its publisher has not": article.section not in publisher.sections,
        "a correction of no paragraph": correction is not None and correction.paragraph >= len(article.blocks),
    }
    if found := [problem for problem, is_there in problems.items() if is_there]:
        raise BadArticle(f"{article.name} has {' and '.join(found)}")


def read_articles() -> tuple[Article, ...]:
    """All articles of the newsstand, by name."""
    files = sorted((file for file in (_FILES / "articles").iterdir() if file.name.endswith(".md")), key=str)
    return tuple(parse_article(file.name.removesuffix(".md"), file.read_text(encoding="utf-8")) for file in files)


def read_publishers() -> tuple[Publisher, ...]:
    """All publishers, in the order of publishers.toml."""
    tables = tomllib.loads((_FILES / "publishers.toml").read_text(encoding="utf-8"))["publisher"]
    return tuple(parse_publisher(table) for table in tables)


def _unique(addresses: Iterable[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for address in addresses:
        if address in seen:
            raise BadArticle(f"two things have the address {address}")
        seen.add(address)


def load_stand(
    opened_at: datetime,
    *,
    slow_seconds: float = 3.0,
    correct_after_seconds: float = 8.0,
    extra_articles: Sequence[Article] = (),
) -> Stand:
    """The newsstand's whole content.

    Args:
        opened_at: aware UTC; articles are dated relative to it, to the second.
        slow_seconds: how long the slow host holds each page back.
        correct_after_seconds: how long after its first reading the corrected article changes.
        extra_articles: more articles for one of the publishers, for tests that bring their own text.

    Raises:
        BadArticle: the data is not well formed.
    """
    publishers, articles = read_publishers(), (*read_articles(), *extra_articles)
    by_name = {article.name: article for article in articles}
    articles = tuple(_with_agency_text(article, by_name) for article in articles)
    for article in articles:
        _check(article, {publisher.id: publisher for publisher in publishers})
    _unique((article.publisher, article.path) for article in articles)
    _unique(("name", article.name) for article in articles)
    _unique((feed.host, feed.path) for publisher in publishers for feed in publisher.feeds)
    return Stand(publishers, articles, opened_at.replace(microsecond=0), slow_seconds, correct_after_seconds)

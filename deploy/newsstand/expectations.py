"""The truth about the newsstand's articles: what the demo and the end-to-end tests hold the pipeline to.

Joins expectations.toml with what the articles themselves say. Independent of ports, clocks and running servers.
"""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from deploy.newsstand.loading import load_stand
from deploy.newsstand.model import Article, Stand


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must become of one article in a first run that lasts until the correction has been seen.

    `title` is the final one and `revision` the final number, 0 where nothing is indexed. `text_source` is page, feed,
    teaser or none; `access` subscriber, free (the page says so) or unknown. Articles of one `story` belong together;
    `relation` is how this one was taken from the agency's text (copy, edited, brief), empty otherwise. The first
    topic label must be one of `topics`; entities are some of those that must be found.
    """

    name: str
    url: str
    title: str
    publisher: str
    language: str
    disposition: str
    text_source: str
    access: str
    revision: int
    story: str
    relation: str
    agency: str
    topics: tuple[str, ...]
    persons: tuple[str, ...]
    places: tuple[str, ...]
    organizations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A query as a person types it, what it is an example of, and the names of articles that it must find."""

    query: str
    shows: str
    must_find: tuple[str, ...]


@cache
def _stand() -> Stand:
    # Addresses and titles do not depend on the moment of opening.
    return load_stand(datetime(2026, 1, 1, tzinfo=UTC))


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((resources.files("deploy.newsstand") / "expectations.toml").read_text(encoding="utf-8"))


def _access(article: Article, text_source: str) -> str:
    """What a reader can know: the CMS of 2012 says nothing, and neither does a page that was not read."""
    if article.wall == "paywall":
        return "subscriber"
    silent = _stand().publisher_by_id[article.publisher].template == "soup" or text_source in ("feed", "none")
    return "unknown" if silent else "free"


def _own_agency(article: Article) -> str:
    """An agency's own dispatch is credited to it, said or not: Agence Presse Libre as APL."""
    publisher = _stand().publisher_by_id[article.publisher]
    return "".join(word[0] for word in publisher.name.split()) if publisher.kind == "agency" else ""


def _expectation(table: dict[str, Any]) -> Expectation:
    article = _stand().article_by_name[table["name"]]
    correction = article.correction
    text_source = table.get("text_source", "page")
    disposition = table.get("disposition", "indexed")
    revision = 2 if correction else 1
    return Expectation(
        name=article.name,
        url=_stand().url_of(article),
        title=correction.title if correction else article.title,
        publisher=article.publisher,
        language=article.language,
        disposition=disposition,
        text_source=text_source,
        access=_access(article, text_source),
        revision=revision if disposition == "indexed" else 0,
        story=article.copy_of or article.name,
        relation=article.relation,
        agency=article.agency or _own_agency(article),
        topics=tuple(table.get("topics", ())),
        persons=tuple(table.get("persons", ())),
        places=tuple(table.get("places", ())),
        organizations=tuple(table.get("organizations", ())),
    )


def expectations() -> tuple[Expectation, ...]:
    """One expectation for every article of the newsstand, by name."""
    return tuple(_expectation(table) for table in _tables()["article"])


def searches() -> tuple[Search, ...]:
    """The searches that the demo shows and the end-to-end tests check."""
    return tuple(Search(table["query"], table["shows"], tuple(table["must_find"])) for table in _tables()["search"])


def article_page_url(name: str) -> str:
    """The canonical URL of an article, by the name of its file.

    Raises:
        KeyError: there is no such article.
    """
    return _stand().url_of(_stand().article_by_name[name])

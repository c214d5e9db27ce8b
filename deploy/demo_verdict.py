"""Is the index what the newsstand says that it must be? Each difference is named."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

from deploy.newsstand.expectations import Expectation
from producers.canonical import article_id, canonical_url
from sinks.lookups import dispositions, find_article, make_searchable

_INDEXED: Final = "indexed"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One way in which one article is not as it should be."""

    article: str
    what: str


def shortfalls(client: Elasticsearch, expected: Sequence[Expectation], *, index_prefix: str) -> list[Shortfall]:
    """Everything that is not as expected; empty when all is, and searches can see it."""
    make_searchable(client, index_prefix=index_prefix)
    documents: dict[str, dict[str, Any]] = {}
    found: list[Shortfall] = []
    for wanted in expected:
        key = article_id(canonical_url(wanted.url))
        stored = find_article(client, key, index_prefix=index_prefix)
        if stored:
            documents[wanted.name] = stored.document
        if wanted.disposition == _INDEXED:
            found += document_shortfalls(wanted, documents.get(wanted.name))
            continue
        if stored:
            found.append(Shortfall(wanted.name, f"is indexed, but must not be: {wanted.disposition}"))
        if not dispositions(client, index_prefix=index_prefix, article_id=key, disposition=wanted.disposition, size=1):
            found.append(Shortfall(wanted.name, f"has no trace that says {wanted.disposition}"))
    return [*found, *story_shortfalls(expected, documents)]


def document_shortfalls(wanted: Expectation, document: dict[str, Any] | None) -> Iterator[Shortfall]:
    """How one indexed article differs from what it must be."""
    if document is None:
        yield Shortfall(wanted.name, "is not indexed")
        return
    facts: tuple[tuple[str, object, object], ...] = (
        ("title", wanted.title, document["title"]),
        ("revision", wanted.revision, document["revision"]),
        ("text_source", wanted.text_source, document["text_source"]),
        ("access", wanted.access, document["access"]["status"]),
        ("agency", [wanted.agency] if wanted.agency else [], document.get("agency", [])),
    )
    for name, must, is_ in facts:
        if must != is_:
            yield Shortfall(wanted.name, f"{name} is {is_!r}, not {must!r}")
    first_topic = next(iter(document["topics"].get("code", ())), None)
    if wanted.topics and first_topic not in wanted.topics:
        yield Shortfall(wanted.name, f"first topic label is {first_topic}, none of {', '.join(wanted.topics)}")
    yield from _entity_shortfalls(wanted, document)


def _entity_shortfalls(wanted: Expectation, document: dict[str, Any]) -> Iterator[Shortfall]:
    labels = (
        ("person", wanted.persons, document["entities"].get("person", ())),
        ("place", wanted.places, document["places"].get("name", ())),
        ("organization", wanted.organizations, document["entities"].get("organization", ())),
    )
    for kind, must, has in labels:
        if absent := sorted(set(must) - set(has)):
            yield Shortfall(wanted.name, f"lacks {kind} {', '.join(absent)}")


def story_shortfalls(expected: Iterable[Expectation], documents: dict[str, dict[str, Any]]) -> Iterator[Shortfall]:
    """Articles of one text that are not one story, and stories that hold what does not belong together."""
    told: dict[str, str] = {}
    for wanted in expected:
        document = documents.get(wanted.name)
        if document is None or wanted.disposition != _INDEXED:
            continue
        story_id = document["story"]["id"]
        if told.setdefault(story_id, wanted.story) != wanted.story:
            yield Shortfall(wanted.name, f"shares the story of {told[story_id]}")
    for name in {wanted.story for wanted in expected}:
        ids = {
            documents[wanted.name]["story"]["id"]
            for wanted in expected
            if wanted.story == name and wanted.name in documents
        }
        if len(ids) > 1:
            yield Shortfall(name, f"is told in {len(ids)} stories instead of one")

"""Elasticsearch's answer to a search -> what a person reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

MARK_START: Final = "\x02"
"""Before a found word in `snippet` and `marked_title`; a character that no text has."""

MARK_END: Final = "\x03"
"""After a found word."""

INNER_HITS: Final = "story_members"


@dataclass(frozen=True)
class StoryMember:
    """Another article of a hit's story."""

    article_id: str
    url: str
    title: str
    publisher_name: str
    relation: str | None
    timestamp: datetime


@dataclass(frozen=True)
class Hit:
    """One article found.

    Attributes:
        marked_title: the title with the found words between MARK_START and MARK_END.
        snippet: the best passage, with the same marks; empty if the article has neither text nor standfirst.
        published_at: the publisher's claim.
        timestamp: when it came out as far as it can be true (documents.py); what is sorted by.
        revision: 1 until the publisher corrected it.
        access: free, subscriber or unknown.
        others: the other found articles of the story, oldest first.
        story_size: found articles of the story, this one included.
    """

    article_id: str
    url: str
    title: str
    marked_title: str
    snippet: str
    publisher_id: str
    publisher_name: str
    published_at: datetime | None
    timestamp: datetime
    topics: tuple[str, ...]
    persons: tuple[str, ...]
    organizations: tuple[str, ...]
    places: tuple[str, ...]
    revision: int
    access: str
    agency: tuple[str, ...]
    story_id: str
    story_relation: str | None
    story_size: int
    others: tuple[StoryMember, ...]
    score: float | None


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes:
        total: articles found.
        stories: stories they belong to, about.
        relaxed: no article has all of the words; these have most.
        hits: the first ones.
        took_ms: the server's time.
    """

    total: int
    stories: int
    relaxed: bool
    hits: tuple[Hit, ...]
    took_ms: int


def search_result(reply: Mapping[str, Any], *, relaxed: bool = False) -> SearchResult:
    """Read the answer to `search.search_body`."""
    found = reply["hits"]
    return SearchResult(
        total=found["total"]["value"],
        stories=reply.get("aggregations", {}).get("stories", {}).get("value", 0),
        relaxed=relaxed,
        hits=tuple(_hit(hit) for hit in found["hits"]),
        took_ms=reply.get("took", 0),
    )


def _hit(hit: Mapping[str, Any]) -> Hit:
    source: dict[str, Any] = hit["_source"]
    marked: dict[str, list[str]] = hit.get("highlight", {})
    inner = hit.get("inner_hits", {}).get(INNER_HITS, {}).get("hits", {})
    story = source.get("story", {})
    return Hit(
        article_id=hit["_id"],
        url=source["url"],
        title=source["title"],
        marked_title=_first(marked, "title") or source["title"],
        snippet=_snippet(source, marked),
        publisher_id=source["publisher"]["id"],
        publisher_name=source["publisher"]["name"],
        published_at=_instant(source.get("published_at")),
        timestamp=msgspec.convert(source["@timestamp"], datetime),
        topics=_values(source, "topics", "label"),
        persons=_values(source, "entities", "person"),
        organizations=_values(source, "entities", "organization"),
        places=_values(source, "places", "name"),
        revision=source["revision"],
        access=source.get("access", {}).get("status", "unknown"),
        agency=tuple(source.get("agency", ())),
        story_id=story.get("id", hit["_id"]),
        story_relation=story.get("relation"),
        story_size=inner.get("total", {}).get("value", 1),
        others=tuple(_member(member) for member in inner.get("hits", ()) if member["_id"] != hit["_id"]),
        score=hit.get("_score"),
    )


def _member(member: Mapping[str, Any]) -> StoryMember:
    source = member["_source"]
    return StoryMember(
        article_id=member["_id"],
        url=source["url"],
        title=source["title"],
        publisher_name=source["publisher"]["name"],
        relation=source.get("story", {}).get("relation"),
        timestamp=msgspec.convert(source["@timestamp"], datetime),
    )


def _snippet(source: Mapping[str, Any], marked: Mapping[str, list[str]]) -> str:
    """A passage with a found word: of the text, else of the standfirst; else the standfirst, else the beginning."""
    text, standfirst = _first(marked, "text"), _first(marked, "standfirst")
    if text and MARK_START in text:
        return text
    return standfirst or source.get("standfirst") or text or ""


def _first(marked: Mapping[str, list[str]], field: str) -> str | None:
    return next(iter(marked.get(field, ())), None)


def _values(source: Mapping[str, Any], group: str, field: str) -> tuple[str, ...]:
    return tuple(source.get(group, {}).get(field, ()))


def _instant(value: str | None) -> datetime | None:
    return None if value is None else msgspec.convert(value, datetime)

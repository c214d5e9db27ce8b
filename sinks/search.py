"""Search for articles: what is asked -> Elasticsearch's request, and running it.

All words must be found, each in title, standfirst or text, whatever its ending and accents (cross_fields, `and`).
Phrases must be found on the `.exact` fields. Title counts three times, standfirst twice; words that stand together and
words spelt as typed count more; an article of today counts up to twice as much as an old one. If nothing has all of
three or more words, one may be missing (two of six or more), and the result says so: `relaxed`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from elasticsearch import Elasticsearch, NotFoundError

from sinks.elasticsearch import store_errors
from sinks.errors import SinkError
from sinks.hits import INNER_HITS, MARK_END, MARK_START, SearchResult, search_result
from sinks.mapping import index_names
from sinks.query_text import QueryText, query_text

Sort = Literal["relevance", "newest", "oldest", "arrival"]

_FIELDS: Final = ("title^3", "standfirst^2", "text")
_EXACT_FIELDS: Final = ("title.exact^3", "standfirst.exact^2", "text.exact")
_RELAXED: Final = "2<-1 5<-2"
_RELAXED_FROM_WORDS: Final = 3
_STORY_MEMBERS: Final = 30

_SORTS: Final[dict[Sort, list[dict[str, str]]]] = {
    "relevance": [{"_score": "desc"}, {"@timestamp": "desc"}],
    "newest": [{"@timestamp": "desc"}],
    "oldest": [{"@timestamp": "asc"}],
    "arrival": [{"event.ingested": "desc"}],
}

_HIT_FIELDS: Final = (
    "article_id",
    "url",
    "title",
    "standfirst",
    "publisher",
    "published_at",
    "@timestamp",
    "topics.label",
    "entities.person",
    "entities.organization",
    "places.name",
    "revision",
    "access.status",
    "agency",
    "story",
)


@dataclass(frozen=True)
class Search:
    """What is asked. Filters narrow; names in them are found by their words, in any case and without accents.

    Attributes:
        query: what a person typed; empty asks for everything.
        publisher: registrable domain, or words of the name.
        topic: IPTC code, with or without `medtop:`, or words of the French label.
        person: words of a person's name.
        entity: words of a person's or organisation's name.
        place: words of a place's name, or a country, département or commune code.
        since: not published before.
        until: published before.
        access: `free`, `subscriber` or `unknown`.
        story: a story's id; its articles are then listed one by one.
        size: hits at most.
        sort: `relevance` needs a query; without one the newest come first.
        collapse_stories: one hit for each story, with its other articles inside.
    """

    query: str = ""
    publisher: str | None = None
    topic: str | None = None
    person: str | None = None
    entity: str | None = None
    place: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    access: str | None = None
    story: str | None = None
    size: int = 10
    sort: Sort = "relevance"
    collapse_stories: bool = True


def search_body(search: Search, *, relaxed: bool = False) -> dict[str, Any]:
    """The request for `POST /ALIAS/_search`.

    Args:
        search: what is asked.
        relaxed: let some of the words be missing.
    """
    text = query_text(search.query)
    asks = bool(text.words or text.phrases)
    sort: Sort = search.sort if asks or search.sort != "relevance" else "newest"
    body: dict[str, Any] = {
        "query": _scored(text, _filters(search), relaxed=relaxed),
        "size": search.size,
        "sort": _SORTS[sort],
        "track_total_hits": True,
        "track_scores": True,
        "_source": list(_HIT_FIELDS),
        "highlight": _highlight(text),
        "aggs": {"stories": {"cardinality": {"field": "story.id"}}},
    }
    if search.collapse_stories and search.story is None:
        members = {
            "name": INNER_HITS,
            "size": _STORY_MEMBERS,
            "sort": [{"@timestamp": "asc"}],
            "_source": ["url", "title", "publisher", "@timestamp", "story.relation"],
        }
        body["collapse"] = {"field": "story.id", "inner_hits": members}
    return body


def run_search(client: Elasticsearch, search: Search, *, index_prefix: str = "kiosque") -> SearchResult:
    """Ask, and ask again with fewer words if none of the articles has all of them.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials, or there is no index yet.
    """
    index = index_names(index_prefix).articles_alias
    try:
        with store_errors():
            result = search_result(client.search(index=index, body=search_body(search)).body)
            if result.total or query_text(search.query).word_count < _RELAXED_FROM_WORDS:
                return result
            reply = client.search(index=index, body=search_body(search, relaxed=True))
    except NotFoundError as error:
        raise SinkError(f"there is no index {index} yet", "start the indexer, or run `kiosque setup`") from error
    return search_result(reply.body, relaxed=True)


def _scored(text: QueryText, filters: list[dict[str, Any]], *, relaxed: bool) -> dict[str, Any]:
    must = _required(text, relaxed=relaxed)
    query: dict[str, Any] = {"bool": {"must": must, "filter": filters, "should": _preferred(text)}}
    recent = {"gauss": {"@timestamp": {"origin": "now", "offset": "12h", "scale": "7d"}}}
    return {
        "function_score": {
            "query": query,
            # The sum of a constant and a decay: age alone never takes more than half of the score.
            "functions": [{"weight": 1}, {"weight": 1, **recent}],
            "score_mode": "sum",
            "boost_mode": "multiply",
        }
    }


def _required(text: QueryText, *, relaxed: bool) -> list[dict[str, Any]]:
    phrases = [_multi_match(phrase, _EXACT_FIELDS, "phrase") for phrase in text.phrases]
    if relaxed:
        return [_multi_match(text.words, _FIELDS, "cross_fields", minimum_should_match=_RELAXED), *phrases]
    words = [_multi_match(text.loose, _FIELDS, "cross_fields", operator="and")] if text.loose else []
    names = [_multi_match(name, _FIELDS, "phrase") for name in text.names]
    return words + names + phrases


def _preferred(text: QueryText) -> list[dict[str, Any]]:
    if not text.words:
        return []
    return [
        _multi_match(text.words, _EXACT_FIELDS, "phrase", slop=2, boost=2.0),
        _multi_match(text.words, _EXACT_FIELDS, "best_fields", tie_breaker=0.3, boost=0.5),
    ]


def _multi_match(query: str, fields: tuple[str, ...], kind: str, **more: Any) -> dict[str, Any]:
    return {"multi_match": {"query": query, "fields": list(fields), "type": kind, **more}}


def _highlight(text: QueryText) -> dict[str, Any]:
    """Marks in the stemmed fields, for words and phrases alike: matches on `.exact` would mark nothing there."""
    wanted = " ".join([text.words, *text.phrases]).strip()
    query = _multi_match(wanted, _FIELDS, "best_fields") if wanted else {"match_none": {}}
    return {
        "pre_tags": [MARK_START],
        "post_tags": [MARK_END],
        "highlight_query": query,
        "boundary_scanner_locale": "fr-FR",
        "fields": {
            "title": {"number_of_fragments": 0},
            "standfirst": {"number_of_fragments": 0},
            "text": {"fragment_size": 220, "number_of_fragments": 1, "no_match_size": 220, "order": "score"},
        },
    }


def _filters(search: Search) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = []
    if search.publisher:
        domain = search.publisher.lower()
        filters.append(_any_of(_term("publisher.id", domain), _named("publisher.name", search.publisher)))
    if search.topic:
        code = search.topic if search.topic.startswith("medtop:") else f"medtop:{search.topic}"
        filters.append(_any_of(_term("topics.code", code), _named("topics.label", search.topic)))
    if search.person:
        filters.append(_named("entities.person", search.person))
    if search.entity:
        filters.append(
            _any_of(_named("entities.person", search.entity), _named("entities.organization", search.entity))
        )
    if search.place:
        codes = [_term(f"places.{field}", search.place.upper()) for field in ("country", "department", "insee")]
        filters.append(_any_of(_named("places.name", search.place), *codes))
    exact = {"access.status": search.access, "story.id": search.story}
    filters += [_term(field, value) for field, value in exact.items() if value]
    return filters + _published(search)


def _published(search: Search) -> list[dict[str, Any]]:
    bounds = {"gte": search.since, "lt": search.until}
    given = {name: bound.isoformat() for name, bound in bounds.items() if bound is not None}
    return [{"range": {"@timestamp": given}}] if given else []


def _term(field: str, value: str) -> dict[str, Any]:
    return {"term": {field: value}}


def _named(field: str, words: str) -> dict[str, Any]:
    return {"match_phrase": {f"{field}.text": words}}


def _any_of(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}

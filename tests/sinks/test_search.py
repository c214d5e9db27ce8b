"""What is asked becomes a request, the answer becomes hits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sinks.hits import MARK_END, MARK_START, Hit, SearchResult, StoryMember, search_result
from sinks.search import Search, run_search, search_body

STEMMED = ["title^3", "standfirst^2", "text"]
EXACT = ["title.exact^3", "standfirst.exact^2", "text.exact"]


def required(search: Search, **more: Any) -> list[dict[str, Any]]:
    must: list[dict[str, Any]] = search_body(search, **more)["query"]["function_score"]["query"]["bool"]["must"]
    return must


def filters(search: Search) -> list[dict[str, Any]]:
    narrowing: list[dict[str, Any]] = search_body(search)["query"]["function_score"]["query"]["bool"]["filter"]
    return narrowing


def test_all_words_are_required_in_any_field() -> None:
    assert required(Search("sommet Poutine")) == [
        {"multi_match": {"query": "sommet Poutine", "fields": STEMMED, "type": "cross_fields", "operator": "and"}}
    ]


def test_names_and_phrases_are_required_as_they_stand() -> None:
    assert required(Search("La Poste « grève du tri »")) == [
        {"multi_match": {"query": "La Poste", "fields": STEMMED, "type": "phrase"}},
        {"multi_match": {"query": "grève du tri", "fields": EXACT, "type": "phrase"}},
    ]


def test_relaxed_some_words_may_be_missing_but_phrases_may_not() -> None:
    assert required(Search("grève des trains « gare du Nord »"), relaxed=True) == [
        {
            "multi_match": {
                "query": "grève des trains",
                "fields": STEMMED,
                "type": "cross_fields",
                "minimum_should_match": "2<-1 5<-2",
            }
        },
        {"multi_match": {"query": "gare du Nord", "fields": EXACT, "type": "phrase"}},
    ]


def test_filters() -> None:
    assert filters(
        Search(
            publisher="Courrier du Val",
            topic="11000000",
            person="aubry",
            place="45",
            since=datetime(2026, 3, 1, tzinfo=UTC),
            until=datetime(2026, 3, 2, tzinfo=UTC),
            access="free",
            story="abc",
        )
    ) == [
        {
            "bool": {
                "should": [
                    {"term": {"publisher.id": "courrier du val"}},
                    {"match_phrase": {"publisher.name.text": "Courrier du Val"}},
                ],
                "minimum_should_match": 1,
            }
        },
        {
            "bool": {
                "should": [
                    {"term": {"topics.code": "medtop:11000000"}},
                    {"match_phrase": {"topics.label.text": "11000000"}},
                ],
                "minimum_should_match": 1,
            }
        },
        {"match_phrase": {"entities.person.text": "aubry"}},
        {
            "bool": {
                "should": [
                    {"match_phrase": {"places.name.text": "45"}},
                    {"term": {"places.country": "45"}},
                    {"term": {"places.department": "45"}},
                    {"term": {"places.insee": "45"}},
                ],
                "minimum_should_match": 1,
            }
        },
        {"term": {"access.status": "free"}},
        {"term": {"story.id": "abc"}},
        {"range": {"@timestamp": {"gte": "2026-03-01T00:00:00+00:00", "lt": "2026-03-02T00:00:00+00:00"}}},
    ]


@pytest.mark.parametrize(
    ("search", "sort"),
    [
        pytest.param(Search("halles"), [{"_score": "desc"}, {"@timestamp": "desc"}], id="best first"),
        pytest.param(Search(), [{"@timestamp": "desc"}], id="nothing to be relevant to"),
        pytest.param(Search("halles", sort="arrival"), [{"event.ingested": "desc"}], id="latest arrival first"),
    ],
)
def test_sort(search: Search, sort: list[dict[str, str]]) -> None:
    assert search_body(search)["sort"] == sort


@pytest.mark.parametrize(
    ("search", "collapsed"),
    [
        pytest.param(Search("halles"), True, id="one hit for each story"),
        pytest.param(Search("halles", collapse_stories=False), False, id="every article"),
        pytest.param(Search(story="abc"), False, id="the articles of one story"),
    ],
)
def test_stories(search: Search, collapsed: bool) -> None:
    assert ("collapse" in search_body(search)) is collapsed


SOURCE: dict[str, Any] = {
    "url": "https://www.courrier-du-val.example/halles",
    "title": "Les halles rouvrent",
    "standfirst": "Deux ans de travaux.",
    "publisher": {"id": "courrier-du-val.example", "name": "Le Courrier du Val"},
    "published_at": "2026-03-02T08:00:00Z",
    "@timestamp": "2026-03-02T08:00:00Z",
    "topics": {"label": ["commerce"]},
    "revision": 2,
    "access": {"status": "free"},
    "agency": ["AFP"],
    "story": {"id": "s", "relation": "copy"},
}


def reply(**changes: Any) -> dict[str, Any]:
    hit = {"_id": "a", "_score": 1.5, "_source": SOURCE, **changes}
    return {
        "took": 3,
        "hits": {"total": {"value": 4}, "hits": [hit]},
        "aggregations": {"stories": {"value": 2}},
    }


def test_a_hit_with_the_rest_of_its_story() -> None:
    other = {
        "url": "https://gazette.example/halles",
        "title": "Réouverture des halles",
        "publisher": {"id": "gazette.example", "name": "La Gazette"},
        "@timestamp": "2026-03-02T07:00:00Z",
        "story": {"relation": "first"},
    }
    inner = {"hits": {"total": {"value": 2}, "hits": [{"_id": "b", "_source": other}, {"_id": "a", "_source": SOURCE}]}}
    marks = {
        "title": ["Les \x02halles\x03 rouvrent"],
        "text": ["Sous les \x02halles\x03, les étals."],
    }
    found = search_result(reply(highlight=marks, inner_hits={"story_members": inner}), relaxed=True)
    assert found == SearchResult(
        total=4,
        stories=2,
        relaxed=True,
        took_ms=3,
        hits=(
            Hit(
                article_id="a",
                url="https://www.courrier-du-val.example/halles",
                title="Les halles rouvrent",
                marked_title=f"Les {MARK_START}halles{MARK_END} rouvrent",
                snippet=f"Sous les {MARK_START}halles{MARK_END}, les étals.",
                publisher_id="courrier-du-val.example",
                publisher_name="Le Courrier du Val",
                published_at=datetime(2026, 3, 2, 8, tzinfo=UTC),
                timestamp=datetime(2026, 3, 2, 8, tzinfo=UTC),
                topics=("commerce",),
                persons=(),
                organizations=(),
                places=(),
                revision=2,
                access="free",
                agency=("AFP",),
                story_id="s",
                story_relation="copy",
                story_size=2,
                others=(
                    StoryMember(
                        article_id="b",
                        url="https://gazette.example/halles",
                        title="Réouverture des halles",
                        publisher_name="La Gazette",
                        relation="first",
                        timestamp=datetime(2026, 3, 2, 7, tzinfo=UTC),
                    ),
                ),
                score=1.5,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("marks", "snippet"),
    [
        pytest.param({"standfirst": ["Deux \x02ans\x03"], "text": ["Le début."]}, "Deux \x02ans\x03", id="standfirst"),
        pytest.param({"text": ["Le début."]}, "Deux ans de travaux.", id="found in the title only"),
        pytest.param({}, "Deux ans de travaux.", id="no text at all"),
    ],
)
def test_snippet(marks: dict[str, list[str]], snippet: str) -> None:
    assert search_result(reply(highlight=marks)).hits[0].snippet == snippet


class Client:
    """Answers searches with totals, one after the other, and keeps the requests."""

    def __init__(self, *totals: int) -> None:
        self._totals = list(totals)
        self.requests: list[dict[str, Any]] = []

    def search(self, *, index: str, body: dict[str, Any]) -> Any:
        self.requests.append({"index": index, "body": body})
        answer = {"took": 1, "hits": {"total": {"value": self._totals.pop(0)}, "hits": []}}
        return type("Reply", (), {"body": answer})()


@pytest.mark.parametrize(
    ("query", "totals", "asked", "relaxed"),
    [
        pytest.param("grève des trains", (2,), 1, False, id="found"),
        pytest.param("grève des trains", (0, 5), 2, True, id="asked again with fewer words"),
        pytest.param("grève trains", (0,), 1, False, id="two words are not relaxed"),
    ],
)
def test_relaxing(query: str, totals: tuple[int, ...], asked: int, relaxed: bool) -> None:
    client = Client(*totals)
    result = run_search(client, Search(query), index_prefix="kq")  # type: ignore[arg-type]
    assert (len(client.requests), result.relaxed, result.total) == (asked, relaxed, totals[-1])
    assert {request["index"] for request in client.requests} == {"kq-articles"}

"""What is missing in an index, and what contradicts its template."""

from typing import Any

from sinks.differences import Differences, index_differences

EXPECTED: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "title": {"type": "text", "analyzer": "french_text", "fields": {"keyword": {"type": "keyword"}}},
        "event": {"properties": {"ingested": {"type": "date"}}},
    },
}
ANALYSIS = {"filter": {"word_beginnings": {"type": "edge_ngram", "min_gram": 2, "preserve_original": True}}}
STANDING_ANALYSIS = {
    "filter": {"word_beginnings": {"type": "edge_ngram", "min_gram": "2", "preserve_original": "true"}}
}


def test_an_index_as_it_was_made_has_none() -> None:
    assert index_differences(EXPECTED, EXPECTED, ANALYSIS, STANDING_ANALYSIS) == Differences()


def test_missing_fields_and_multi_fields() -> None:
    actual = {"dynamic": "strict", "properties": {"title": {"type": "text", "analyzer": "french_text"}}}
    assert index_differences(EXPECTED, actual, ANALYSIS, STANDING_ANALYSIS) == Differences(
        missing=("title.keyword", "event", "event.ingested")
    )


def test_contradictions_say_what_is_and_what_should_be() -> None:
    actual = {
        "dynamic": "true",
        "properties": {
            "title": {"type": "keyword", "fields": {"keyword": {"type": "keyword"}}},
            "event": {"properties": {"ingested": {"type": "date"}}},
        },
    }
    assert index_differences(EXPECTED, actual, ANALYSIS, {}) == Differences(
        changed=(
            "field title is type keyword, not type text, analyzer french_text",
            "dynamic is true, not strict",
            "filter word_beginnings differs",
        )
    )


def test_fields_that_somebody_added_are_left_alone() -> None:
    actual = {**EXPECTED, "properties": {**EXPECTED["properties"], "note": {"type": "keyword"}}}
    assert index_differences(EXPECTED, actual, ANALYSIS, STANDING_ANALYSIS) == Differences()

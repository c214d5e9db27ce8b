"""The index templates hold what the messages carry, and nothing is guessed."""

import typing
from collections.abc import Iterator
from datetime import datetime
from types import UnionType
from typing import Any

import msgspec
import pytest

from schemas.messages import EnrichedArticle, Trace
from sinks.documents import revision_document
from sinks.mapping import (
    ARTICLE_FIELDS,
    INDEX_ONLY,
    MESSAGE_ONLY,
    REVISION_FIELDS,
    TRACE_FIELDS,
    index_names,
    index_templates,
)
from tests.sinks.samples import NOW, full_article, options


def mapped(fields: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """The fields that hold values: leaves of the mapping, multi-fields left out."""
    for name, field in fields.items():
        if "properties" in field:
            yield from mapped(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name


def carried(struct: Any, unindexed: frozenset[str], prefix: str = "") -> Iterator[str]:
    """The fields of a message, those of nested objects by their path."""
    for field in msgspec.structs.fields(struct):
        path = prefix + field.encode_name
        nested = nested_struct(field.type)
        if nested is None or path in unindexed:
            yield path
        else:
            yield from carried(nested, unindexed, path + ".")


def nested_struct(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    if typing.get_origin(annotation) in {tuple, typing.Union, UnionType, typing.Annotated}:
        return next(filter(None, map(nested_struct, typing.get_args(annotation))), None)
    return None


UNINDEXED = frozenset({"entities.detail", "places.detail", "topics.detail", "places.location"})


def test_every_field_of_an_article_is_mapped_or_message_only() -> None:
    message = set(carried(EnrichedArticle, UNINDEXED)) | {"type"}
    assert set(mapped(ARTICLE_FIELDS)) == (message - MESSAGE_ONLY) | INDEX_ONLY


def test_every_field_of_a_trace_is_mapped_or_message_only() -> None:
    message = set(carried(Trace, frozenset())) | {"type"}
    assert set(mapped(TRACE_FIELDS)) == (message - MESSAGE_ONLY) | INDEX_ONLY


def test_a_revision_has_the_fields_of_its_document() -> None:
    def leaves(document: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for name, value in document.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{name}.")
            else:
                yield prefix + name

    assert set(leaves(revision_document(full_article(), NOW))) == set(mapped(REVISION_FIELDS))


@pytest.mark.parametrize("path", sorted(UNINDEXED - {"places.location"}))
def test_detail_is_kept_but_not_indexed(path: str) -> None:
    group, name = path.split(".")
    assert ARTICLE_FIELDS[group]["properties"][name] == {"type": "object", "enabled": False}


def test_dates_of_the_message_are_dates_of_the_index() -> None:
    def is_date(annotation: Any) -> bool:
        return annotation is datetime or any(is_date(part) for part in typing.get_args(annotation))

    message = {field.name for field in msgspec.structs.fields(EnrichedArticle) if is_date(field.type)}
    assert message == {name for name in message if ARTICLE_FIELDS[name] == {"type": "date"}}
    assert message


def test_all_indices_are_strict_and_say_their_template_version() -> None:
    assert [(t.mappings["dynamic"], t.mappings["_meta"]["template_version"]) for t in index_templates(options())] == [
        ("strict", 1),
        ("strict", 1),
        ("strict", 1),
    ]


def test_templates_carry_the_options() -> None:
    articles, revisions, trace = index_templates(options(index_prefix="kq", shards=3, replicas=1))
    assert (articles.index, revisions.index, trace.index) == ("kq-articles-v1", "kq-revisions", "kq-trace")
    assert [t.composed["template"]["settings"]["index"] for t in (articles, revisions)] == [
        {"number_of_shards": 3, "number_of_replicas": 1, "refresh_interval": "200ms"},
        {"number_of_shards": 1, "number_of_replicas": 1, "refresh_interval": "200ms"},
    ]
    assert articles.component["template"]["settings"]["index"]["query"] == {
        "default_field": ["title", "standfirst", "text"]
    }


def test_names_of_one_installation() -> None:
    names = index_names("kiosque")
    assert (names.articles, names.articles_alias, names.revisions, names.trace) == (
        "kiosque-articles-v1",
        "kiosque-articles",
        "kiosque-revisions",
        "kiosque-trace",
    )

"""Messages become documents, with ids and times."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.articles import Timeline
from sinks.documents import (
    article_document,
    article_timestamp,
    revision_document,
    revision_id,
    trace_document,
)
from tests.sinks.samples import ACCEPTED, DISCOVERED, NOW, article, article_id, full_article, trace


def test_a_short_article_has_no_empty_fields() -> None:
    assert article_document(article(), NOW) == {
        "@timestamp": "2026-03-02T07:55:00Z",
        "event": {"ingested": "2026-03-02T09:00:00Z"},
        "article_id": article_id("halles"),
        "url": "https://www.courrier-du-val.example/halles",
        "publisher": {
            "id": "courrier-du-val.example",
            "name": "Le Courrier du Val",
            "kind": "regional",
            "country": "FR",
        },
        "title": "Les halles rouvrent après deux ans de travaux",
        "text": "Les commerçants retrouvent leurs étals dès mardi.",
        "text_source": "page",
        "word_count": 7,
        "genre": "other",
        "sponsored": False,
        "access": {"status": "unknown", "truncated": False},
        "rights": {"basis": "art4"},
        "published_at": "2026-03-02T07:55:00Z",
        "published_precision": "second",
        "revision": 1,
        "version": 1 << 20,
        "labels_release": "2026.03",
        "language": "fr",
        "accepted_at": "2026-03-02T08:56:00Z",
        "timeline": {
            "discovered": "2026-03-02T08:55:00Z",
            "fetched": "2026-03-02T08:55:00Z",
            "accepted": "2026-03-02T08:56:00Z",
        },
        "story": {"id": article_id("halles"), "relation": "first"},
    }


def test_a_revision_is_the_head_and_the_change() -> None:
    document = revision_document(full_article(), NOW)
    assert document["change"] == {
        "kinds": ["title"],
        "title_before": "L’émissaire reçu à Orléans",
        "diff": "-un\n+deux",
    }
    assert (document["@timestamp"], document["revision"], document["title"]) == (
        "2026-03-02T08:56:00Z",
        2,
        "L’émissaire américain reçu à Orléans",
    )
    assert {"text", "entities", "places"}.isdisjoint(document)


def test_revision_ids_are_the_same_for_every_run() -> None:
    assert revision_id(article_id("halles"), 2) == f"{article_id('halles')}:2"


def test_a_trace_is_dated_by_its_stage() -> None:
    document = trace_document(trace(feed=None), NOW)
    assert document == {
        "@timestamp": "2026-03-02T08:56:00Z",
        "event": {"ingested": "2026-03-02T09:00:00Z"},
        "trace_id": f"{article_id('halles')}-1",
        "article_id": article_id("halles"),
        "url": "https://www.courrier-du-val.example/halles",
        "title": "Les halles rouvrent après deux ans de travaux",
        "publisher_id": "courrier-du-val.example",
        "stage": "dedupe",
        "disposition": "accepted",
        "detail": "first sight",
        "revision": 1,
        "at": "2026-03-02T08:56:00Z",
    }


HOUR_BEFORE = DISCOVERED - timedelta(hours=1)


@pytest.mark.parametrize(
    ("published_at", "first_claim", "accepted_at", "expected"),
    [
        pytest.param(HOUR_BEFORE, None, ACCEPTED, HOUR_BEFORE, id="the publisher's claim"),
        pytest.param(None, None, ACCEPTED, DISCOVERED, id="no claim: first sight"),
        pytest.param(datetime(2031, 1, 1, tzinfo=UTC), None, ACCEPTED, DISCOVERED, id="a claim in the future"),
        pytest.param(NOW, HOUR_BEFORE, ACCEPTED, HOUR_BEFORE, id="a revision that claims a later time"),
        pytest.param(None, HOUR_BEFORE, ACCEPTED, HOUR_BEFORE, id="a revision that claims nothing"),
        pytest.param(
            None, None, DISCOVERED - timedelta(days=1), DISCOVERED - timedelta(days=1), id="first seen by another feed"
        ),
    ],
)
def test_timestamp(
    published_at: datetime | None, first_claim: datetime | None, accepted_at: datetime, expected: datetime
) -> None:
    message = article(
        published_at=published_at,
        accepted_at=accepted_at,
        timeline=Timeline(published=first_claim, discovered=DISCOVERED, fetched=DISCOVERED),
    )
    assert article_timestamp(message) == expected


INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(claim=st.none() | INSTANTS, later_claim=INSTANTS, first=INSTANTS)
def test_timestamp_is_never_after_first_sight_and_never_moved_where_the_first_claim_is_kept(
    claim: datetime | None, later_claim: datetime, first: datetime
) -> None:
    timeline = Timeline(published=claim, discovered=first, fetched=first)
    before = article(published_at=claim, accepted_at=first, timeline=timeline)
    after = article(revision=2, published_at=later_claim if claim else None, accepted_at=first, timeline=timeline)
    assert article_timestamp(before) == article_timestamp(after) <= first

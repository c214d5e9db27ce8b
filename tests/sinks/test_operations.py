"""A Kafka record asks for writes or a withdrawal, or is set aside with its reason."""

from typing import Any

import msgspec
import pytest

import sinks.operations
from schemas.codec import encode
from schemas.messages import version_of
from sinks.documents import article_document, revision_document, trace_document
from sinks.operations import Kind, Plan, Put, SetAside, Withdraw, plan
from sinks.records import Record
from tests.sinks.samples import (
    NOW,
    article,
    article_id,
    article_record,
    full_article,
    names,
    trace,
    trace_record,
    withdrawal_record,
)

ID = article_id("halles")


def test_an_article_is_written_with_its_revision() -> None:
    message = full_article()
    assert plan(article_record(message), "article", names(), NOW) == Plan(
        operations=(
            Put(
                "essai-articles-v1",
                message.article_id,
                msgspec.json.encode(article_document(message, NOW)),
                version_of(2, 0),
            ),
            Put(
                "essai-revisions",
                f"{message.article_id}:2",
                msgspec.json.encode(revision_document(message, NOW)),
                version_of(2, 0),
            ),
        ),
        article=message,
    )


def test_a_trace_is_written_under_its_own_id() -> None:
    assert plan(trace_record(trace()), "trace", names(), NOW) == Plan(
        (Put("essai-trace", f"{ID}-1", msgspec.json.encode(trace_document(trace(), NOW))),)
    )


def test_a_null_value_withdraws_the_article() -> None:
    record = withdrawal_record("halles", version_of(3, 0))
    assert plan(record, "article", names(), NOW) == Plan((Withdraw("essai-articles-v1", ID, version_of(3, 0)),))


@pytest.mark.parametrize(
    ("kind", "record", "reason"),
    [
        pytest.param("article", article_record(article(), value=b"{"), "invalid_message", id="no JSON"),
        pytest.param("article", article_record(article(), value=b""), "invalid_message", id="no bytes"),
        pytest.param("article", article_record(article(), value=b"\xff\xfe"), "invalid_message", id="no UTF-8"),
        pytest.param("article", article_record(article(), value=encode(trace())), "invalid_message", id="another type"),
        pytest.param("article", article_record(article(), key=article_id("x").encode()), "wrong_key", id="another key"),
        pytest.param("article", article_record(article(), key=None), "wrong_key", id="no key"),
        pytest.param("article", withdrawal_record("halles", 1, headers=()), "invalid_message", id="no version"),
        pytest.param(
            "article",
            withdrawal_record("halles", 1, headers=(("kiosque_version", b"two"),)),
            "invalid_message",
            id="an unreadable version",
        ),
        pytest.param(
            "article",
            withdrawal_record("halles", 1, headers=(("kiosque_version", b"9" * 30),)),
            "invalid_message",
            id="a version beyond the index",
        ),
        pytest.param("article", withdrawal_record("halles", 1, key=b"halles"), "wrong_key", id="not an article_id"),
        pytest.param("trace", trace_record(trace(), value=None), "invalid_message", id="a trace without value"),
        pytest.param("trace", trace_record(trace(), value=b"[]"), "invalid_message", id="a trace that is a list"),
        pytest.param("trace", trace_record(trace(), key=b"x"), "wrong_key", id="a trace under another key"),
    ],
)
def test_set_aside(kind: Kind, record: Record, reason: str) -> None:
    planned = plan(record, kind, names(), NOW)
    assert isinstance(planned, SetAside)
    assert planned.reason == reason
    assert planned.detail


def test_our_own_failure_is_set_aside_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("our fault")

    monkeypatch.setattr(sinks.operations, "article_document", broken)
    planned = plan(article_record(article()), "article", names(), NOW)
    assert isinstance(planned, SetAside)
    assert planned.reason == "internal_error"
    assert "ZeroDivisionError: our fault" in planned.detail

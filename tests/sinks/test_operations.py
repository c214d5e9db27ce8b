"""A Kafka record asks for writes or a withdrawal, or is set aside with its reason."""

from typing import Any

import msgspec
import pytest

import sinks.operations
from schemas.codec import encode
from schemas.messages import version_of
from schemas.withdrawals import Scope
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
    orders,
    trace,
    trace_record,
    withdrawal_record,
)

ID = article_id("halles")


def test_an_article_is_written_with_its_revision() -> None:
    message = full_article()
    assert plan(article_record(message), "article", names(), NOW, orders()) == Plan(
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
    assert plan(trace_record(trace()), "trace", names(), NOW, orders()) == Plan(
        (Put("essai-trace", f"{ID}-1", msgspec.json.encode(trace_document(trace(), NOW))),)
    )


def test_a_null_value_withdraws_the_article() -> None:
    record = withdrawal_record("halles", version_of(3, 0))
    assert plan(record, "article", names(), NOW, orders()) == Plan(
        (Withdraw("essai-articles-v1", ID, version_of(3, 0)),)
    )


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
    planned = plan(record, kind, names(), NOW, orders())
    assert isinstance(planned, SetAside)
    assert planned.reason == reason
    assert planned.detail


def test_our_own_failure_is_set_aside_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("our fault")

    monkeypatch.setattr(sinks.operations, "article_document", broken)
    planned = plan(article_record(article()), "article", names(), NOW, orders())
    assert isinstance(planned, SetAside)
    assert planned.reason == "internal_error"
    assert "ZeroDivisionError: our fault" in planned.detail


COVERING = [
    pytest.param(("article", ID), id="by id"),
    pytest.param(("prefix", "https://www.courrier-du-val.example/ha"), id="by beginning of the URL"),
    pytest.param(("publisher", "courrier-du-val.example"), id="by publisher"),
]


@pytest.mark.parametrize("order", COVERING)
def test_a_covered_article_is_withdrawn_at_its_version(order: tuple[Scope, str]) -> None:
    record = article_record(article(revision=4, run=2))
    assert plan(record, "article", names(), NOW, orders(order)) == Plan(
        (Withdraw("essai-articles-v1", ID, version_of(4, 2)),)
    )


@pytest.mark.parametrize("order", COVERING)
def test_a_covered_trace_is_not_written(order: tuple[Scope, str]) -> None:
    assert plan(trace_record(trace()), "trace", names(), NOW, orders(order)) == Plan(())


def test_that_it_was_withdrawn_is_written_without_anything_of_the_article() -> None:
    note = trace(disposition="withdrawn", detail="forgotten")
    bare = trace(disposition="withdrawn", detail="forgotten", url=None, title=None, publisher_id=None, feed=None)
    assert plan(trace_record(note), "trace", names(), NOW, orders(("article", ID))) == Plan(
        (Put("essai-trace", f"{ID}-1", msgspec.json.encode(trace_document(bare, NOW))),)
    )


def test_orders_for_others_change_nothing() -> None:
    others = orders(
        ("article", article_id("gare")), ("prefix", "https://ailleurs.example/"), ("publisher", "x.example")
    )
    for record, kind in ((article_record(article()), "article"), (trace_record(trace()), "trace")):
        assert plan(record, kind, names(), NOW, others) == plan(record, kind, names(), NOW, orders())


def test_a_covered_record_that_cannot_be_read_is_set_aside_all_the_same() -> None:
    record = article_record(article(), key=b"x")
    planned = plan(record, "article", names(), NOW, orders(("article", ID)))
    assert isinstance(planned, SetAside)
    assert planned.reason == "wrong_key"

"""Kafka record -> what to do in the index, or why to set the record aside.

an article      write it, and its revision
null value      withdraw the article: its document, its revisions, its trace
a trace         write it
anything else   SetAside: invalid_message, wrong_key, internal_error

What a withdrawal order covers is never written: its article is withdrawn once more, of its trace only stays that it was
withdrawn. So a sink that begins anew ends where it was (schemas/withdrawals.py).
"""

import re
import traceback
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from schemas.codec import InvalidMessage, decode_enriched, decode_trace
from schemas.headers import version_header
from schemas.messages import EnrichedArticle, Trace
from schemas.reasons import Disposition
from schemas.withdrawals import WithdrawalOrders
from sinks.documents import Document, article_document, revision_document, revision_id, trace_document
from sinks.mapping import IndexNames
from sinks.records import Record

Kind = Literal["article", "trace"]

_ARTICLE_ID: Final = re.compile(rb"[0-9a-f]{32}")
_MAX_VERSION: Final = 2**63 - 1

WITHDRAWN: Final[Disposition] = "withdrawn"
"""The one entry of the trace that outlives its article: that it was withdrawn, and why."""


@dataclass(frozen=True, slots=True)
class Put:
    """Write a document.

    Attributes:
        version: refuse it where a higher version stands; None for documents that never change.
    """

    index: str
    id: str
    body: bytes
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Delete the document unless a higher version stands, then everything else of this article."""

    index: str
    id: str
    version: int


Operation = Put | Withdraw


@dataclass(frozen=True, slots=True)
class Plan:
    """What one record asks for, which may be nothing; `article` is the message that is to be written."""

    operations: tuple[Operation, ...]
    article: EnrichedArticle | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """The record cannot be written, now or later.

    Attributes:
        reason: a slug of `schemas.reasons.DEAD_LETTER_REASONS`.
        detail: for the person who looks at it.
    """

    reason: str
    detail: str


def plan(record: Record, kind: Kind, names: IndexNames, now: datetime, orders: WithdrawalOrders) -> Plan | SetAside:
    """Decide what one record asks for. Never raises: what our own code cannot do is set aside as well.

    Args:
        record: as it came.
        kind: what is on the topic that it belongs to.
        names: of the indices.
        now: the sink's clock.
        orders: what must stay away, read to the end after the record was.
    """
    decide = _trace_plan if kind == "trace" else _article_plan
    try:
        return decide(record, names, now, orders)
    except InvalidMessage as error:
        return SetAside("invalid_message", str(error))
    except Exception:  # noqa: BLE001 - an unknown bug must not block the records behind this one
        return SetAside("internal_error", traceback.format_exc())


def _article_plan(record: Record, names: IndexNames, now: datetime, orders: WithdrawalOrders) -> Plan | SetAside:
    if record.value is None:
        return _withdrawal_plan(record, names)
    article = decode_enriched(record.value)
    if record.key != article.article_id.encode():
        return _wrong_key(record, article.article_id)
    if orders.covering(article.article_id, article.url, article.publisher.id) is not None:
        return Plan((Withdraw(names.articles, article.article_id, article.version),))
    put = Put(names.articles, article.article_id, _json(article_document(article, now)), article.version)
    revision = Put(
        names.revisions,
        revision_id(article.article_id, article.revision),
        _json(revision_document(article, now)),
        article.version,
    )
    return Plan((put, revision), article)


def _withdrawal_plan(record: Record, names: IndexNames) -> Plan | SetAside:
    key = record.key or b""
    if not _ARTICLE_ID.fullmatch(key):
        return SetAside("wrong_key", f"a withdrawal's key is an article_id, this one's is {_shown_key(record)}")
    version = version_header(record.headers)
    if version is None or version > _MAX_VERSION:
        return SetAside("invalid_message", "a null value without a readable header kiosque_version")
    return Plan((Withdraw(names.articles, key.decode(), version),))


def _trace_plan(record: Record, names: IndexNames, now: datetime, orders: WithdrawalOrders) -> Plan | SetAside:
    if record.value is None:
        return SetAside("invalid_message", "a trace has a value")
    trace = decode_trace(record.value)
    if record.key != trace.article_id.encode():
        return _wrong_key(record, trace.article_id)
    if orders.covering(trace.article_id, trace.url, trace.publisher_id) is not None:
        if trace.disposition != WITHDRAWN:
            return Plan(())
        trace = _bare(trace)
    return Plan((Put(names.trace, trace.trace_id, _json(trace_document(trace, now))),))


def _bare(trace: Trace) -> Trace:
    """A trace that says nothing of its article but the id."""
    return replace(trace, url=None, title=None, publisher_id=None, feed=None)


def _wrong_key(record: Record, article_id: str) -> SetAside:
    return SetAside("wrong_key", f"the message is of article {article_id}, the record's key is {_shown_key(record)}")


def _shown_key(record: Record) -> str:
    return "null" if record.key is None else repr(record.key[:100].decode(errors="replace"))


def _json(document: Document) -> bytes:
    return msgspec.json.encode(document)

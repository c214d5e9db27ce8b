"""One item of Elasticsearch's bulk reply -> what became of one operation; and the outcomes of a record -> a verdict.

Indexed      the document stands as sent
Deleted      it is gone, or was never there
Superseded   a higher version stands (409): as good as done, but not indexed
Retry        the server could not, the document may be fine: 429, 5xx, blocked or missing index, no permission
Rejected     the server will never take this document: any other 4xx
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from schemas.messages import version_of
from sinks.operations import SetAside

FIRST_VERSION: Final = version_of(1, 0)

_SERVER_FAULTS: Final = frozenset(
    {
        "cluster_block_exception",
        "index_closed_exception",
        "index_not_found_exception",
        "security_exception",
        "unavailable_shards_exception",
    }
)
"""Errors with a 4xx status that say nothing of the document: setting documents aside for them would empty the topic."""

_NOT_THE_DOCUMENT: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
_MAX_REASON: Final = 2000


@dataclass(frozen=True, slots=True)
class Indexed:
    """The document stands as sent.

    Attributes:
        created: there was none before.
    """

    created: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """The document is gone, or was never there."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A higher version stands."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The server could not do it now."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server will never take this document."""

    reason: str


Outcome = Indexed | Deleted | Superseded | Retry | Rejected


@dataclass(frozen=True, slots=True)
class Done:
    """Every operation of the record has its final answer, acknowledged."""

    outcomes: tuple[Indexed | Deleted | Superseded, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """The record must be tried again."""

    reason: str


Verdict = Done | Wait | SetAside


def outcome_of(item: Mapping[str, Any]) -> Outcome:
    """What became of one operation; `item` is `{"index": {...}}` or `{"delete": {...}}` of a bulk reply.

    Total: a reply that cannot be read is a reason to try again.
    """
    action, answer = next(iter(item.items()), ("", None))
    status = answer.get("status") if isinstance(answer, Mapping) else None
    if not isinstance(answer, Mapping) or not isinstance(status, int):
        return Retry(f"unreadable item {str(dict(item))[:_MAX_REASON]}")
    error = answer.get("error")
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Deleted() if action == "delete" else Indexed(created=answer.get("result") == "created")
    if status == HTTPStatus.NOT_FOUND and action == "delete" and error is None:
        return Deleted()
    if status == HTTPStatus.CONFLICT:
        return Superseded()
    return _failure(status, error)


def _failure(status: int, error: object) -> Retry | Rejected:
    reason = f"{status} {_reason(error)}"[:_MAX_REASON]
    kind = error.get("type") if isinstance(error, Mapping) else None
    clients_fault = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not clients_fault or status in _NOT_THE_DOCUMENT or kind in _SERVER_FAULTS:
        return Retry(reason)
    return Rejected(reason)


def _reason(error: object) -> str:
    """An error with its causes, outermost first: the useful sentence is often the last."""
    parts = []
    while isinstance(error, Mapping):
        parts.append(f"{error.get('type')}: {error.get('reason')}")
        error = error.get("caused_by")
    return " / ".join(parts) or str(error)


def verdict_of(outcomes: Sequence[Outcome]) -> Verdict:
    """The verdict on a record: try again if any operation must, else set aside if any was rejected."""
    for outcome in outcomes:
        if isinstance(outcome, Retry):
            return Wait(outcome.reason)
    for outcome in outcomes:
        if isinstance(outcome, Rejected):
            return SetAside("document_rejected", outcome.reason)
    return Done(tuple(o for o in outcomes if isinstance(o, Indexed | Deleted | Superseded)))


def history_was_lost(version: int, accepted_at: datetime, standing_accepted_at: datetime | None) -> bool:
    """Whether a superseded first version means that the stages before have forgotten the article (an alarm, D5).

    Equal versions are taken (external_gte), so a higher one stands. After a redelivery that is as it should be, and the
    standing document was accepted at the same moment, which dedupe keeps for all revisions. Another moment means that
    dedupe began to count anew: its new revisions would stay invisible until their number has grown past the old one.

    Args:
        version: the superseded one.
        accepted_at: the superseded message's.
        standing_accepted_at: the standing document's, None if only a tombstone stands.
    """
    return version == FIRST_VERSION and standing_accepted_at is not None and standing_accepted_at != accepted_at

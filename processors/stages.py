"""What every stage answers with, and the traces that any stage may add.

A stage decides; it does no I/O. Its `Effect` says what to write and what became of the record.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from processors.records import Arrival, Outgoing
from schemas import kafka_topics
from schemas.codec import InvalidMessage, encode
from schemas.messages import Trace, Withdrawal
from schemas.reasons import Disposition, Stage


class Rejected(Exception):
    """A message that cannot be processed, whatever is done; `reason` is a slug of DEAD_LETTER_REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Keyed(Protocol):
    """A message that knows the key it must travel under."""

    @property
    def article_id(self) -> str:
        """The key."""


K = TypeVar("K", bound=Keyed)


def message_of(arrival: Arrival, decode: Callable[[bytes], K]) -> K:
    """The record's message.

    Raises:
        Rejected: no value, not a message of the topic, or under the wrong key.
    """
    if arrival.value is None:
        raise Rejected("invalid_message", "null value: a withdrawal is a message of its own on this topic")
    try:
        message = decode(arrival.value)
    except InvalidMessage as error:
        raise Rejected("invalid_message", str(error)) from error
    if arrival.key != message.article_id.encode():
        raise Rejected("wrong_key", f"key {arrival.key!r} on article {message.article_id}")
    return message


@dataclass(frozen=True, slots=True)
class Effect:
    """What one record causes.

    Attributes:
        disposition: for the metrics; None where nothing is worth counting (a redelivery).
        outputs: records for the next stage, traces and dead letters.
        state: the new state record of the key, or None if the state stands.
    """

    disposition: Disposition | None = None
    outputs: tuple[Outgoing, ...] = ()
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class FormerNeeded:
    """Answer of a stage that cannot finish without the input record at `offset`.

    Attributes:
        offset: of the record to read back from the partition.
        finish: takes the record's value, None if it is no longer held.
    """

    offset: int
    finish: Callable[[bytes | None], Effect]


def trace(
    stage: Stage,
    disposition: Disposition,
    *,
    article_id: str,
    attempt: str,
    at: datetime,
    url: str | None = None,
    title: str | None = None,
    publisher_id: str | None = None,
    detail: str | None = None,
    revision: int | None = None,
) -> Outgoing:
    """The record that says what became of one reading; `attempt` tells the readings of one article apart."""
    digest = hashlib.blake2b(f"{article_id}\n{stage}\n{disposition}\n{attempt}".encode(), digest_size=16)
    message = Trace(
        trace_id=digest.hexdigest(),
        article_id=article_id,
        url=url,
        title=title,
        publisher_id=publisher_id,
        stage=stage,
        disposition=disposition,
        detail=detail,
        revision=revision,
        at=at,
    )
    return Outgoing(kafka_topics.TRACE, article_id.encode(), encode(message))


def withdrawal_note(stage: Stage, message: Withdrawal, revision: int, at: datetime) -> Outgoing:
    """The trace of a withdrawal: that it was done and why, nothing of the article but its id."""
    return trace(
        stage,
        "withdrawn",
        article_id=message.article_id,
        attempt=str(revision),
        at=at,
        detail=message.reason,
        revision=revision,
    )

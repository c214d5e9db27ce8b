"""articles.unique -> articles.tagged: what a worker process does with one message.

Runs inside the processes of enrich_pool.py: the bytes go in, the bytes come out, and the language model never stands in
the event loop. Pure apart from the loaded models.
"""

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime

from processors.enrich import NotFrench, Tagger
from processors.records import Arrival, Outgoing
from processors.stages import Effect, Rejected, message_of, trace
from schemas import kafka_topics
from schemas.codec import decode_unique, encode
from schemas.limits import MAX_RECORD_BYTES
from schemas.messages import UniqueArticle, Withdrawal


def enrich_effect(tagger: Tagger, arrival: Arrival, now: datetime) -> Effect:
    """What one unique article causes.

    Raises:
        Rejected: the record is not a message of this topic, or its labels make it too large.
    """
    message = message_of(arrival, decode_unique)
    key = message.article_id.encode()
    if isinstance(message, Withdrawal):
        return Effect("withdrawn", (Outgoing(kafka_topics.TAGGED, key, encode(message)),))
    tagged = tagger.tag(message, now=now)
    if isinstance(tagged, NotFrench):
        return Effect("not_french", (_not_french(message, tagged, now),))
    value = encode(tagged)
    if len(value) > MAX_RECORD_BYTES:
        raise Rejected("record_too_large", f"{len(value)} bytes for articles.tagged, at most {MAX_RECORD_BYTES}")
    return Effect("tagged", (Outgoing(kafka_topics.TAGGED, key, value),))


def _not_french(message: UniqueArticle, verdict: NotFrench, now: datetime) -> Outgoing:
    language = verdict.language
    return trace(
        "enrich",
        "not_french",
        article_id=message.article_id,
        attempt=str(message.revision),
        at=now,
        url=message.url,
        title=message.title,
        publisher_id=message.publisher.id,
        detail=f"{language.code}, confidence {language.confidence:.2f}",
        revision=message.revision,
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message could not be enriched; crosses the process boundary in place of an exception."""

    reason: str
    detail: str


def enrich_safely(tagger: Tagger, arrival: Arrival, now: float) -> Effect | Failure:
    """`enrich_effect`, with every fault of the message as a value; `now` in seconds since 1970."""
    try:
        return enrich_effect(tagger, arrival, datetime.fromtimestamp(now, UTC))
    except Rejected as rejected:
        return Failure(rejected.reason, rejected.detail)
    except Exception:  # noqa: BLE001  # a bug of ours must not block the messages behind this one
        return Failure("internal_error", traceback.format_exc())

"""articles.unique or articles.reenrich -> articles.tagged: what a model process does with one message.

Runs inside the processes of enrich_pool.py: the bytes go in, the bytes come out, and the language model never stands in
the event loop. Pure apart from the loaded models. A re-enrichment gives an article new labels under a higher version
and leaves everything else as it was; cluster drops it if the article was corrected in the meantime.
"""

import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

from processors.enrich import NotFrench, Tagger, unlabelled
from processors.enrich_failure import Failure
from processors.records import Arrival, Outgoing
from processors.stages import Effect, Rejected, message_of, trace
from schemas import kafka_topics
from schemas.codec import decode_tagged, decode_unique, encode
from schemas.headers import REPLAY_OF, Headers
from schemas.limits import MAX_RECORD_BYTES
from schemas.messages import UniqueArticle, Withdrawal, revision_of, run_of, version_of
from schemas.reasons import Stage


def enrich_effect(tagger: Tagger, arrival: Arrival, now: datetime) -> Effect:
    """What one record of articles.unique causes.

    Raises:
        Rejected: the record is not a message of this topic, or its labels make it too large.
    """
    message = message_of(arrival, decode_unique)
    if isinstance(message, Withdrawal):
        record = Outgoing(
            kafka_topics.TAGGED, message.article_id.encode(), encode(message), _passed_on(arrival.headers)
        )
        return Effect("withdrawn", (record,))
    return _labelled("enrich", tagger, message, 0, arrival, now)


def reenrich_effect(tagger: Tagger, arrival: Arrival, now: datetime) -> Effect:
    """What one record of articles.reenrich causes. Its version names the run, its old labels are not looked at.

    An article that is not French by the models of today keeps its old labels: nothing is written but a trace.

    Raises:
        Rejected: the record is not a message of this topic, or its labels make it too large.
    """
    message = message_of(arrival, decode_tagged)
    if isinstance(message, Withdrawal):
        raise Rejected("invalid_message", "a withdrawal: articles.reenrich holds articles only")
    run = run_of(message.version)
    if run == 0 or revision_of(message.version) != message.revision:
        raise Rejected("invalid_message", f"version {message.version} is no re-enrichment of {message.revision}")
    return _labelled("reenrich", tagger, unlabelled(message), run, arrival, now)


def _labelled(
    stage: Stage, tagger: Tagger, article: UniqueArticle, run: int, arrival: Arrival, now: datetime
) -> Effect:
    tagged = tagger.tag(article, now=now, run=run)
    if isinstance(tagged, NotFrench):
        return Effect("not_french", (_not_french(stage, article, run, tagged, now),))
    value = encode(tagged)
    if len(value) > MAX_RECORD_BYTES:
        raise Rejected("record_too_large", f"{len(value)} bytes for articles.tagged, at most {MAX_RECORD_BYTES}")
    record = Outgoing(kafka_topics.TAGGED, article.article_id.encode(), value, _passed_on(arrival.headers))
    return Effect("tagged", (record,))


def _passed_on(headers: Sequence[tuple[str, bytes]]) -> Headers | None:
    """What cluster must know: that a dead letter is tried again, which may come too late and then leaves a trace."""
    return [(name, value) for name, value in headers if name == REPLAY_OF] or None


def _not_french(stage: Stage, article: UniqueArticle, run: int, verdict: NotFrench, now: datetime) -> Outgoing:
    language = verdict.language
    return trace(
        stage,
        "not_french",
        article_id=article.article_id,
        attempt=str(article.revision if run == 0 else version_of(article.revision, run)),
        at=now,
        url=article.url,
        title=article.title,
        publisher_id=article.publisher.id,
        detail=f"{language.code}, confidence {language.confidence:.2f}",
        revision=article.revision,
    )


def enrich_safely(stage: Stage, tagger: Tagger, arrival: Arrival, now: float) -> Effect | Failure:
    """The record's effect, with every fault of the message as a value.

    Args:
        stage: enrich or reenrich.
        tagger: loaded models.
        arrival: the record.
        now: seconds since 1970.
    """
    effect = reenrich_effect if stage == "reenrich" else enrich_effect
    try:
        return effect(tagger, arrival, datetime.fromtimestamp(now, UTC))
    except Rejected as rejected:
        return Failure(rejected.reason, rejected.detail)
    except Exception:  # noqa: BLE001  # a bug of ours must not block the messages behind this one
        return Failure("internal_error", traceback.format_exc())

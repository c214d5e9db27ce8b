"""Setting a message aside: logged, counted, written to articles.dead as it came, with its reason."""

from datetime import datetime
from typing import Final

import structlog

from processors.records import Arrival, Outgoing
from processors.stages import Effect, Rejected
from schemas import kafka_topics
from schemas.headers import dead_letter_headers, dead_letter_of
from schemas.messages import DeadLetter
from schemas.metrics import Metrics
from schemas.reasons import Stage

MAX_DETAIL_CHARACTERS: Final = 2_000

log = structlog.get_logger()


def dead_letter(stage: Stage, input_topic: str, arrival: Arrival, rejected: Rejected, at: datetime) -> Outgoing:
    """The record as it came, and why it was set aside. A record without key keeps an empty one."""
    before = dead_letter_of(arrival.headers)
    letter = DeadLetter(
        reason=rejected.reason,
        stage=stage,
        detail=rejected.detail[-MAX_DETAIL_CHARACTERS:],
        kafka_topic=input_topic,
        partition=arrival.partition,
        offset=arrival.offset,
        at=at,
        attempts=1 + (before.attempts if before else 0),
    )
    return Outgoing(kafka_topics.DEAD, arrival.key or b"", arrival.value, dead_letter_headers(arrival.headers, letter))


def set_aside(
    stage: Stage, input_topic: str, arrival: Arrival, rejected: Rejected, at: datetime, metrics: Metrics
) -> Effect:
    """The effect of a message that cannot be processed; says so in the log and the metrics."""
    log.warning(
        "message set aside",
        stage=stage,
        reason=rejected.reason,
        partition=arrival.partition,
        offset=arrival.offset,
        detail=rejected.detail[-300:],
    )
    metrics.count("dead_letters_total", stage=stage, reason=rejected.reason)
    return Effect("dead_letter", (dead_letter(stage, input_topic, arrival, rejected, at),))

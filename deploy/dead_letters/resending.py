"""Where a dead letter goes back to, and with which headers. Pure.

It goes back to the input of the stage that set it aside, nowhere else: what a header claims must not reach a topic that
only one stage may write. Letters of the index stage go to articles.redelivered, because cluster alone writes
articles.enriched. Trying a letter again twice is harmless: a stage that has seen it answers as to any redelivery, and
one that knows something later calls it superseded.
"""

from dataclasses import dataclass
from typing import Final

from deploy.dead_letters.letters import Letter
from schemas import kafka_topics
from schemas.headers import REPLAY_OF, Headers
from schemas.kafka_topics import DEAD, REDELIVERED, KafkaTopic, full_name

_INPUTS: Final[dict[str, tuple[KafkaTopic, ...]]] = {
    "dedupe": (kafka_topics.FETCHED,),
    "enrich": (kafka_topics.UNIQUE,),
    "reenrich": (kafka_topics.REENRICH,),
    "cluster": (kafka_topics.TAGGED,),
    "index": (kafka_topics.ENRICHED, kafka_topics.TRACE),
}
"""Stage -> the topics that its letters name. The sink names where a redelivered letter came from at first."""


@dataclass(frozen=True, slots=True)
class Resending:
    """A letter and the record that tries it again.

    Attributes:
        partition: None where the key decides, as everywhere.
    """

    letter: Letter
    kafka_topic: KafkaTopic
    partition: int | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Refusal:
    """A letter that cannot go back, and why, as a clause."""

    letter: Letter
    why: str


def resending(letter: Letter, topic_prefix: str) -> Resending | Refusal:
    """How a letter goes back.

    Args:
        letter: any.
        topic_prefix: of the installation; the letter's own topic carries it.
    """
    if letter.why is None:
        return Refusal(letter, f"{letter.unreadable}, so nobody knows where it came from")
    came_from = letter.why.kafka_topic
    inputs = _INPUTS.get(letter.why.stage, ())
    source = next((topic for topic in inputs if full_name(topic, topic_prefix) == came_from), None)
    if source is None:
        stage = letter.why.stage
        return Refusal(letter, f"its header says {stage} read it from {came_from!r}, where no letter of {stage} can go")
    target = REDELIVERED if letter.why.stage == "index" else source
    return Resending(letter, target, _partition(letter, source, target), _headers(letter))


def _partition(letter: Letter, source: KafkaTopic, target: KafkaTopic) -> int | None:
    """A record without a key goes where it was; its key, now an empty one, would lead elsewhere."""
    if letter.record.key or source is not target or letter.why is None:
        return None
    return letter.why.partition if 0 <= letter.why.partition < target.partitions else None


def _headers(letter: Letter) -> Headers:
    kept = [(name, value) for name, value in letter.record.headers if name != REPLAY_OF]
    return [*kept, (REPLAY_OF, f"{DEAD.name}:{letter.id}".encode())]

"""Find letters, try them again, drop them: topic and sender together.

select ─► letters (a stream, as often as one likes) ─► replay or drop, portion by portion
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from deploy.dead_letters.letters import Closed, Letter, LetterId, Totals, Wanted, closed_letters, wanted_letters
from deploy.dead_letters.resending import Refusal, Resending, resending
from deploy.dead_letters.sender import LetterSender, portions
from deploy.dead_letters.topic import DeadLetterTopic

_REFUSALS_TOLD: Final = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Selection:
    """The letters that a command is about. Memory: what is closed, and one letter at a time."""

    topic: DeadLetterTopic
    wanted: Wanted
    closed: Closed
    limit: int | None = None

    def letters(self) -> Iterator[Letter]:
        """Read them; every reading gives the same, in the order of the topic."""
        found = wanted_letters(self.topic.records(self.wanted.starts), self.wanted, self.closed)
        return islice(found, self.limit)


def select(topic: DeadLetterTopic, wanted: Wanted, limit: int | None = None) -> Selection:
    """The wanted letters, at most `limit`; reads what is closed."""
    return Selection(topic, wanted, closed_letters(topic.records(wanted.starts)), limit)


def newest(selection: Selection, limit: int, shown: Callable[[Letter], T]) -> tuple[list[T], Totals]:
    """The newest letters as `shown` makes them, the newest last, and the totals of all; memory: `limit` of them."""
    totals: Totals = Counter()

    def counted() -> Iterator[tuple[datetime, LetterId, T]]:
        for letter in selection.letters():
            totals[letter.stage, letter.reason] += 1
            yield letter.at, letter.id, shown(letter)

    found = heapq.nlargest(limit, counted(), key=lambda one: one[:2])
    return [one for *_, one in reversed(found)], totals


@dataclass
class Survey:
    """What a replay or a drop is about to do.

    Attributes:
        totals: (stage, reason) -> letters.
        targets: topic name, without prefix -> letters that go back there.
        refused: how many cannot go back.
        refusals: the first few of them.
    """

    totals: Totals = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def survey(selection: Selection, topic_prefix: str) -> Survey:
    """Count what is there, and where it would go back to."""
    seen = Survey()
    for letter in selection.letters():
        seen.totals[letter.stage, letter.reason] += 1
        match resending(letter, topic_prefix):
            case Resending(kafka_topic=topic):
                seen.targets[topic.name] += 1
            case Refusal() as refusal:
                seen.refused += 1
                if len(seen.refusals) < _REFUSALS_TOLD:
                    seen.refusals.append(refusal)
    return seen


def replay(selection: Selection, sender: LetterSender, topic_prefix: str) -> Iterator[Resending]:
    """Send the letters back that can go back; yields each once it is closed."""
    found = (resending(letter, topic_prefix) for letter in selection.letters())
    again = (one for one in found if isinstance(one, Resending))
    for portion in portions(again, lambda one: _size(one.letter)):
        sender.resend(portion)
        sender.close([one.letter for one in portion], "replayed")
        yield from portion


def drop(selection: Selection, sender: LetterSender) -> Iterator[Letter]:
    """Close the letters without trying them again; yields each once it is closed."""
    for portion in portions(selection.letters(), _size):
        sender.close(portion, "dropped")
        yield from portion


def _size(letter: Letter) -> int:
    return len(letter.record.value or b"")

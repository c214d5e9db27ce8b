"""All facts of one article, sorted, and what the topics can still tell. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final

from deploy.audit.facts import TOPIC_NUMBER, TOPICS, Fact, Flag, Kind, Place
from deploy.audit.problems import Finding, Problem
from deploy.audit.records import DECIDED
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic
from schemas.messages import revision_of

_STANDS_ON: Final = {
    Kind.READING: TOPIC_NUMBER[kafka_topics.FETCHED.name],
    Kind.WITHDRAWAL_ASKED: TOPIC_NUMBER[kafka_topics.FETCHED.name],
    Kind.UNIQUE: TOPIC_NUMBER[kafka_topics.UNIQUE.name],
    Kind.UNIQUE_WITHDRAWAL: TOPIC_NUMBER[kafka_topics.UNIQUE.name],
    Kind.REENRICH: TOPIC_NUMBER[kafka_topics.REENRICH.name],
    Kind.TAGGED: TOPIC_NUMBER[kafka_topics.TAGGED.name],
    Kind.TAGGED_WITHDRAWAL: TOPIC_NUMBER[kafka_topics.TAGGED.name],
    Kind.ENRICHED: TOPIC_NUMBER[kafka_topics.ENRICHED.name],
    Kind.ENRICHED_NULL: TOPIC_NUMBER[kafka_topics.ENRICHED.name],
    Kind.DEDUPED: TOPIC_NUMBER[kafka_topics.TRACE.name],
    Kind.FOREIGN: TOPIC_NUMBER[kafka_topics.TRACE.name],
}
WITHDRAWN: Final = DECIDED.index("withdrawn")
_ACCEPTED: Final = frozenset({DECIDED.index("accepted"), DECIDED.index("revised")})


@dataclass(frozen=True)
class Horizon:
    """How far back the topics tell, and whether the index was asked.

    Attributes:
        since: topic without prefix -> seconds since 1970; everything younger is held. Absent: all there ever was.
        first_fetched: when the oldest record held on articles.fetched was written, in seconds since 1970.
        with_index: whether there are facts of the index at all.
    """

    since: Mapping[str, int]
    first_fetched: int = 0
    with_index: bool = True

    def holds(self, topic: KafkaTopic, seconds: int) -> bool:
        """Whether a record of the topic that was written at this moment or later must be there."""
        return seconds >= self.since.get(topic.name, 0)


class History:
    """The facts of one article, in the order in which they were read; of one topic that is the order of the log."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.key = facts[0].key
        by_kind: dict[int, list[Fact]] = defaultdict(list)
        flags = 0
        for fact in facts:
            by_kind[fact.kind].append(fact)
            flags |= fact.flags
        self._by_kind = by_kind
        self.pending = bool(flags & Flag.PENDING)
        self.covered = bool(flags & Flag.COVERED)

    def of(self, *kinds: Kind) -> list[Fact]:
        """The facts of these kinds, each kind in order."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], [])
        return list(chain.from_iterable(self._by_kind.get(kind, ()) for kind in kinds))

    @property
    def article_id(self) -> str:
        """The article's."""
        return self.key.hex()

    def finding(self, problem: Problem, found: str, fact: Fact | None = None) -> Finding:
        """What is wrong with the article; `fact` is the one that shows it."""
        return Finding(problem, self.article_id, found, None if fact is None else place_of(fact))

    @cached_property
    def _letters(self) -> frozenset[tuple[int, int, int]]:
        return frozenset((letter.code, letter.partition, letter.offset) for letter in self.of(Kind.LETTER))

    def is_set_aside(self, fact: Fact) -> bool:
        """Whether a dead letter names the fact's record."""
        if not self._letters:
            return False
        return (_STANDS_ON[Kind(fact.kind)], fact.partition, fact.offset) in self._letters

    def any_set_aside(self, facts: Iterable[Fact]) -> bool:
        """Whether a dead letter names any of the records."""
        return any(map(self.is_set_aside, facts))

    def kept(self, *kinds: Kind) -> list[Fact]:
        """The facts of these kinds whose record was not set aside, in the order of the log."""
        facts = self.of(*kinds)
        if self._letters:
            facts = [fact for fact in facts if not self.is_set_aside(fact)]
        if len(kinds) > 1:
            facts.sort(key=_offset)  # one article stands in one partition of a topic
        return facts

    @cached_property
    def enriched(self) -> list[Fact]:
        """What stands on articles.enriched and was not set aside by the sink, nulls included, in order."""
        return self.kept(Kind.ENRICHED, Kind.ENRICHED_NULL)

    @cached_property
    def standing(self) -> Fact | None:
        """The last of these."""
        return self.enriched[-1] if self.enriched else None

    @cached_property
    def is_withdrawn(self) -> bool:
        """Whether articles.enriched ends with a null."""
        return self.standing is not None and self.standing.kind == Kind.ENRICHED_NULL

    @cached_property
    def reached(self) -> int:
        """The highest version on articles.enriched, 0 if there is none; what the sink set aside counts."""
        return max((fact.number for fact in self.of(Kind.ENRICHED, Kind.ENRICHED_NULL)), default=0)

    @cached_property
    def announced(self) -> dict[int, Fact]:
        """Revision -> the trace in which dedupe says that it gave that number to an article or a withdrawal."""
        return {
            fact.extra: fact
            for fact in self.of(Kind.DEDUPED)
            if fact.extra and (fact.code in _ACCEPTED or fact.code == WITHDRAWN)
        }

    def is_foreign(self, revision: int, *, rerun: bool) -> bool:
        """Whether enrich (or reenrich) found the revision to be in another language."""
        return any(fact.number == revision and fact.code == int(rerun) for fact in self.of(Kind.FOREIGN))

    @cached_property
    def versions_set_aside(self) -> frozenset[int]:
        """Versions of which a dead letter of the sink says so in its headers; their records may be compacted away."""
        return frozenset(letter.number for letter in self.of(Kind.LETTER) if letter.number)

    def revision_set_aside(self, revision: int) -> bool:
        """Whether a dead letter of any stage is about this revision."""
        if not self._letters:
            return False
        if any(revision_of(version) == revision for version in self.versions_set_aside):
            return True
        unique = (fact for fact in self.of(Kind.UNIQUE) if fact.number == revision)
        later = (fact for fact in self.of(Kind.TAGGED, Kind.ENRICHED) if revision_of(fact.number) == revision)
        return self.any_set_aside(unique) or self.any_set_aside(later)


def place_of(fact: Fact) -> Place | None:
    """Where the fact's record stands, None for a fact of the index."""
    number = fact.code if fact.kind == Kind.UNREADABLE else _STANDS_ON.get(Kind(fact.kind))
    return None if number is None else Place(TOPICS[number].name, fact.partition, fact.offset)


def _offset(fact: Fact) -> int:
    return fact.offset

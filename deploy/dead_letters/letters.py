"""Records of articles.dead -> letters: which are open, which are wanted. Pure.

A letter is a record as it came, with the header `kiosque-dead-letter`. What became of it stands behind it on the same
partition: a null value with the header `kiosque-letter-closed`. A letter whose header cannot be read is a letter too:
it is listed as such and can be dropped.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from schemas.headers import DEAD_LETTER, LETTER_CLOSED, dead_letter_of, letter_closed_of
from schemas.messages import DeadLetter, LetterClosed

UNREADABLE: Final = "unreadable"
"""In the place of a reason, where the header that has it cannot be read."""

_ID: Final = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class LetterId:
    """A letter's name: where it stands on articles.dead."""

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The id in `PARTITION:OFFSET`.

        Raises:
            ValueError: it is none.
        """
        found = _ID.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{text!r} is not PARTITION:OFFSET")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class DeadRecord:
    """A record of articles.dead; `written_at` is its timestamp, aware UTC."""

    id: LetterId
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter.

    Attributes:
        why: None if the header cannot be read; then `unreadable` says what is wrong with it.
    """

    record: DeadRecord
    why: DeadLetter | None
    unreadable: str = ""

    @property
    def id(self) -> LetterId:
        """Its name."""
        return self.record.id

    @property
    def at(self) -> datetime:
        """When it was set aside."""
        return self.why.at if self.why else self.record.written_at

    @property
    def stage(self) -> str:
        """Who set it aside; `?` if that cannot be read."""
        return self.why.stage if self.why else "?"

    @property
    def reason(self) -> str:
        """A slug of DEAD_LETTER_REASONS, or UNREADABLE."""
        return self.why.reason if self.why else UNREADABLE

    def without_value(self) -> "Letter":
        """The same without the record's value, which can be large."""
        return replace(self, record=replace(self.record, value=None))


Closed = dict[LetterId, LetterClosed]
"""What became of the letters that are no longer open."""


def closing_of(record: DeadRecord) -> LetterClosed | None:
    """What a record says of a letter's end; None for a letter.

    A letter keeps the headers it came with, so a record that says why it was set aside is a letter, whatever else it
    carries. Only what stands behind the letter on its own partition counts.
    """
    if record.value is not None or any(name == DEAD_LETTER for name, _ in record.headers):
        return None
    closed = letter_closed_of(record.headers)
    if closed is None or closed.partition != record.id.partition or closed.offset >= record.id.offset:
        return None
    return closed


def letter_of(record: DeadRecord) -> Letter | None:
    """The letter that a record is; None for a record that closes one. Never raises, whatever the headers hold."""
    if closing_of(record) is not None:
        return None
    why = dead_letter_of(record.headers)
    return Letter(record, why, "" if why else _no_reason(record))


def _no_reason(record: DeadRecord) -> str:
    names = {name for name, _ in record.headers}
    if DEAD_LETTER in names:
        return f"the header {DEAD_LETTER} cannot be read"
    return f"a header {LETTER_CLOSED} of nothing" if LETTER_CLOSED in names else f"no header {DEAD_LETTER}"


def closed_letters(records: Iterable[DeadRecord]) -> Closed:
    """What became of which letters; of two records that close one letter the later counts."""
    found = (closing_of(record) for record in records)
    return {LetterId(closed.partition, closed.offset): closed for closed in found if closed is not None}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters a command is about; what is None or empty does not restrict.

    Attributes:
        since: set aside at this moment or later.
        until: set aside before this moment.
        key: the record's key, an article_id.
        kafka_topics: full names of the topic that the record came from, any of them.
        also_closed: not only the open ones.
    """

    ids: frozenset[LetterId] = frozenset()
    stage: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    key: bytes | None = None
    kafka_topics: frozenset[str] = frozenset()
    also_closed: bool = False

    @property
    def starts(self) -> Mapping[int, int] | None:
        """Partition -> offset from which reading is enough; None for all of the topic."""
        if not self.ids:
            return None
        return {
            partition: min(one.offset for one in self.ids if one.partition == partition)
            for partition in {one.partition for one in self.ids}
        }

    @property
    def everything(self) -> bool:
        """Whether nothing restricts."""
        return self == Wanted(also_closed=self.also_closed)

    def holds(self, letter: Letter) -> bool:
        """Whether the letter is among them, open or not."""
        return (
            (not self.ids or letter.id in self.ids)
            and self.stage in {None, letter.stage}
            and self.reason in {None, letter.reason}
            and self._holds_moment(letter.at)
            and self.key in {None, letter.record.key}
            and (not self.kafka_topics or (letter.why is not None and letter.why.kafka_topic in self.kafka_topics))
        )

    def _holds_moment(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def wanted_letters(records: Iterable[DeadRecord], wanted: Wanted, closed: Closed) -> Iterator[Letter]:
    """The letters among the records that are wanted, in order."""
    for record in records:
        letter = letter_of(record)
        if letter is None or (letter.id in closed and not wanted.also_closed):
            continue
        if wanted.holds(letter):
            yield letter


Totals = Counter[tuple[str, str]]
"""(stage, reason) -> letters."""

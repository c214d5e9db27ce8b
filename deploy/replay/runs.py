"""One re-enrichment run, as it stands on the compacted topic `replays` under its number. Pure.

The format is private to this package. A run has a number from 1 on, higher than that of all runs before it, whatever
became of them: so the labels that came last have the highest version, also if they come from older models.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from deploy.errors import UserError
from deploy.replay.selection import Selection
from schemas.messages import RUN_BITS

RunState = Literal["unfinished", "finished", "abandoned"]


class Counts(Struct, frozen=True, kw_only=True):
    """What a run has looked at.

    Attributes:
        read: records of articles.enriched.
        repeated: records behind which another one of the same article is known to stand.
        selected: articles that are meant.
        written: of these, handed to the worker.
        withdrawn: of these, kept away by a withdrawal order.
        newer: of these, with labels of this or a later run already.
        unreadable: records that are not an enriched article.
    """

    read: int = 0
    repeated: int = 0
    selected: int = 0
    written: int = 0
    withdrawn: int = 0
    newer: int = 0
    unreadable: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class ReplayRun(Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
        run: its number.
        selection: what it is about.
        topic_id: of articles.enriched when it began; offsets mean nothing on another topic of that name.
        begin_offsets: of articles.enriched by partition, where it began.
        end_offsets: where it ends: what is written later was on its way, or is news.
        next_offsets: where it goes on.
    """

    run: int
    selection: Selection
    started_at: datetime
    topic_id: str
    begin_offsets: dict[int, int]
    end_offsets: dict[int, int]
    next_offsets: dict[int, int]
    counts: Counts = Counts()
    finished_at: datetime | None = None
    abandoned: bool = False

    @property
    def state(self) -> RunState:
        """How it stands."""
        if self.finished_at is None:
            return "unfinished"
        return "abandoned" if self.abandoned else "finished"

    @property
    def done(self) -> float:
        """The part of the log that is behind it, 0 to 1."""
        whole = sum(self.end_offsets.values()) - sum(self.begin_offsets.values())
        ahead = sum(self.end_offsets.values()) - sum(self.next_offsets.values())
        return 1 - ahead / whole if whole else 1.0

    def advanced(self, partition: int, next_offset: int, counts: Counts = Counts()) -> "ReplayRun":  # noqa: B008  # frozen
        """The run after a portion of one partition."""
        return replace(self, next_offsets={**self.next_offsets, partition: next_offset}, counts=self.counts + counts)

    def ended(self, at: datetime, *, abandoned: bool = False) -> "ReplayRun":
        """The run as nothing goes on from it any more."""
        return replace(self, finished_at=at, abandoned=abandoned)


_DECODER: Final = msgspec.json.Decoder(ReplayRun)


def run_key(run: int) -> bytes:
    """The record key of a run."""
    return str(run).encode()


def encode_run(run: ReplayRun) -> bytes:
    """The record value."""
    return msgspec.json.encode(run)


def decode_run(value: bytes) -> ReplayRun:
    """The run in a record value.

    Raises:
        msgspec.DecodeError: it was written by something else, or by a later release.
    """
    return _DECODER.decode(value)


def next_number(known: Iterable[int]) -> int:
    """The number of the next run.

    Raises:
        UserError: there is none left.
    """
    number = max(known, default=0) + 1
    if number >> RUN_BITS:
        raise UserError(f"all {number - 1} run numbers are used up", "index into a new installation")
    return number


def unfinished(runs: Mapping[int, ReplayRun]) -> ReplayRun | None:
    """The run that can be gone on with: the latest that has not ended; there is never more than one."""
    open_runs = [run for run in runs.values() if run.state == "unfinished"]
    return max(open_runs, key=lambda run: run.run, default=None)

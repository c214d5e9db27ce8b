"""The verdicts on a batch -> how much of it is settled: what may be set aside and committed, what must wait.

Two things hold records back. A record that must be tried again holds back its partition: a withdrawal behind it must
not be followed by the late success of what it withdrew. And too many dead letters in a row hold back everything: then
it is we who are broken, and a bad release must not empty the topics into the dead letters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sinks.bulk_result import Verdict, Wait
from sinks.operations import SetAside
from sinks.records import Partition, Record


@dataclass(frozen=True)
class Settlement:
    """What of a batch is settled.

    Attributes:
        settled: positions in the batch, ascending; for each partition a prefix of its records.
        streak: dead letters in a row, those before this batch included.
        paused: the limit of dead letters in a row is reached.
        waiting: why records of the batch must be tried again, None if none must.
    """

    settled: tuple[int, ...]
    streak: int
    paused: bool
    waiting: str | None


def settlement(records: Sequence[Record], verdicts: Sequence[Verdict], streak: int, limit: int) -> Settlement:
    """Settle a batch in its order.

    Args:
        records: the batch.
        verdicts: one for each record.
        streak: dead letters in a row so far.
        limit: so many in a row pause; when paused, a batch may add one more (the probe).
    """
    ceiling = max(limit, streak + 1)
    settled: list[int] = []
    held: set[Partition] = set()
    waiting: str | None = None
    for position, (record, verdict) in enumerate(zip(records, verdicts, strict=True)):
        if record.partition in held:
            continue
        if isinstance(verdict, Wait):
            held.add(record.partition)
            waiting = waiting or verdict.reason
            continue
        if isinstance(verdict, SetAside):
            if streak >= ceiling:
                break
            streak += 1
        else:
            streak, ceiling = 0, limit
        settled.append(position)
    return Settlement(tuple(settled), streak, streak >= limit, waiting)


def next_offsets(settled: Sequence[Record]) -> dict[Partition, int]:
    """What to commit for settled records: for each partition the offset after its last one."""
    offsets: dict[Partition, int] = {}
    for record in settled:
        offsets[record.partition] = max(record.offset + 1, offsets.get(record.partition, 0))
    return offsets


def retry_delay_seconds(attempt: int, first_seconds: float, longest_seconds: float) -> float:
    """How long to wait after the attempt-th failure in a row (1 is the first): doubling, bounded."""
    return min(longest_seconds, first_seconds * 2.0 ** min(attempt - 1, 30))

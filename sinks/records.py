"""A Kafka record as the sink sees it, whatever client read it."""

from dataclasses import dataclass
from typing import NamedTuple

RecordHeaders = tuple[tuple[str, bytes], ...]


class Partition(NamedTuple):
    """One partition of one Kafka topic."""

    kafka_topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """The bytes of one record and where they stand."""

    partition: Partition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RecordHeaders = ()

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")

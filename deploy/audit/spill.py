"""Facts on disk, in buckets by their key, given back key by key: so an audit needs no more memory than one bucket.

Keys are hashes, so buckets fill alike; how many there are follows from how many facts are expected. The files hold
ids, offsets and numbers, no text, and are removed at the end.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from deploy.audit.facts import FACT, Fact
from deploy.errors import UserError

FACTS_IN_A_BUCKET: Final = 500_000
"""About 24 MB on disk, and 75 MB in memory while they are sorted."""

_MOST_BUCKETS: Final = 2_048
_BUFFERS_BYTES: Final = 32 << 20
_LEAST_BUFFER: Final = 16 << 10
_MOST_BUFFER: Final = 64 << 10
_KEY: Final = np.dtype([("first", ">u8"), ("second", ">u8"), ("rest", f"V{FACT.size - 16}")])


def bucket_count(expected_facts: int) -> int:
    """How many buckets keep each at about FACTS_IN_A_BUCKET."""
    return min(_MOST_BUCKETS, max(1, -(-expected_facts // FACTS_IN_A_BUCKET)))


class Spill:
    """The buckets. First everything is added, then everything is read; a context manager that removes the files.

    Args:
        folder: an empty one.
        buckets: how many.

    Attributes:
        facts: how many were added.

    Raises (while adding and reading):
        UserError: the folder cannot hold them.
    """

    def __init__(self, folder: Path, buckets: int) -> None:
        self._folder = folder
        self._buffers = [bytearray() for _ in range(buckets)]
        self._limit = max(_LEAST_BUFFER, min(_MOST_BUFFER, _BUFFERS_BYTES // buckets))
        self.facts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in range(len(self._buffers)):
            self._file(number).unlink(missing_ok=True)

    @property
    def buckets(self) -> int:
        """How many there are."""
        return len(self._buffers)

    def add(self, fact: Fact) -> None:
        """Keep a fact. Facts of one key come back in the order in which they were added."""
        number = int.from_bytes(fact.key[:4]) * len(self._buffers) >> 32
        buffer = self._buffers[number]
        buffer += FACT.pack(*fact)
        self.facts += 1
        if len(buffer) >= self._limit:
            self._flush(number)

    def groups(self) -> Iterator[list[Fact]]:
        """All facts, those of one key together; bucket by bucket."""
        for number in range(len(self._buffers)):
            self._flush(number)
            yield from _groups(self._bytes(number))

    def _flush(self, number: int) -> None:
        buffer = self._buffers[number]
        if not buffer:
            return
        try:
            with self._file(number).open("ab") as file:
                file.write(buffer)
        except OSError as error:
            raise self._full(error) from error
        buffer.clear()

    def _bytes(self, number: int) -> bytes:
        try:
            return self._file(number).read_bytes() if self._file(number).exists() else b""
        except OSError as error:
            raise self._full(error) from error

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:04}.facts"

    def _full(self, error: OSError) -> UserError:
        return UserError(
            f"the facts of the audit cannot be kept in {self._folder.parent} ({error.strerror or error})",
            "give it a folder with more room (--scratch)",
        )


def _groups(packed: bytes) -> Iterator[list[Fact]]:
    if len(packed) % FACT.size:
        raise UserError("a temporary file of the audit was cut off", "run it again")
    keys = np.frombuffer(packed, dtype=_KEY)
    order = np.lexsort((keys["second"], keys["first"]))  # stable: facts of one key keep their order
    facts = map(Fact._make, FACT.iter_unpack(keys[order].tobytes()))
    for _, same in groupby(facts, key=itemgetter(0)):
        yield list(same)

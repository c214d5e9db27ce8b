"""Signatures that share a band with a given one, among hundreds of thousands, at a cost that is bounded.

For each band a hash table in arrays: `heads[band, bucket]` is the row that was added last, `next[row, band]` the one
before it in the same bucket, -1 ends. A signature takes about 1 kB in it (504 values, 252 links, 252 to 504 heads); as
Python sets and tuples it took thirty times that. What was removed stays in the chains until the arrays are made anew.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from processors.near_duplicates import PERMUTATIONS, ROWS

BANDS: Final = PERMUTATIONS // ROWS
LONGEST_CHAIN: Final = 256
"""So many of a band's latest are looked at: a flood of texts that all share one phrase costs no more than that."""

_SMALLEST: Final = 1_024
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_ALL_BANDS: Final = np.arange(BANDS)

Values = NDArray[np.uint32]
Rows = NDArray[np.int32]


class SignatureIndex:
    """Rows of signatures. Rows are numbers that stay valid until `room_for_one_more` says otherwise."""

    def __init__(self, capacity: int = _SMALLEST) -> None:
        self._capacity = capacity
        self._count = 0
        self._values = np.empty((capacity, PERMUTATIONS), dtype=np.uint32)
        self._shingles = np.zeros(capacity, dtype=np.int32)
        self._alive = np.zeros(capacity, dtype=bool)
        self._next = np.full((capacity, BANDS), -1, dtype=np.int32)
        self._heads = np.full((BANDS, capacity), -1, dtype=np.int32)

    @property
    def full(self) -> bool:
        """Whether a further signature needs `grown` first."""
        return self._count == self._capacity

    def grown(self) -> tuple["SignatureIndex", Rows]:
        """An index with room, without what was removed; and the old row of each new row."""
        kept = np.flatnonzero(self._alive).astype(np.int32)
        capacity = _SMALLEST
        while capacity < 2 * len(kept):
            capacity *= 2
        larger = SignatureIndex(capacity)
        for row in kept:
            larger.add(self._values[row], int(self._shingles[row]))
        return larger, kept

    def add(self, values: Values, shingles: int) -> int:
        """Add a signature; returns its row."""
        row, buckets = self._count, self._buckets(values)
        self._values[row] = values
        self._shingles[row] = shingles
        self._alive[row] = True
        self._next[row] = self._heads[_ALL_BANDS, buckets]
        self._heads[_ALL_BANDS, buckets] = row
        self._count += 1
        return row

    def remove(self, row: int) -> None:
        """Let a signature be found no more."""
        self._alive[row] = False

    def sharing(self, values: Values) -> tuple[Rows, NDArray[np.float64], NDArray[np.int32]]:
        """Signatures that share a band's bucket: their rows, Jaccard indices and numbers of shingles."""
        bands, rows = _ALL_BANDS, self._heads[_ALL_BANDS, self._buckets(values)]
        found = []
        for _ in range(LONGEST_CHAIN):
            held = rows >= 0
            if not held.any():
                break
            bands, rows = bands[held], rows[held]
            found.append(rows)
            rows = self._next[rows, bands]
        unique = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int32)
        unique = unique[self._alive[unique]]
        equal = np.count_nonzero(self._values[unique] == values, axis=1)
        return unique, equal / PERMUTATIONS, self._shingles[unique]

    def _buckets(self, values: Values) -> NDArray[np.uint64]:
        pairs = values.astype(np.uint64).reshape(BANDS, ROWS)
        mixed = ((pairs[:, 0] << np.uint64(32)) | pairs[:, 1]) * _MIX
        return (mixed >> np.uint64(32)) % np.uint64(self._capacity)

"""How much two texts share, from fixed-size signatures: MinHash over word 3-grams.

126 permutations in 63 bands of 2 make a candidate of any pair with a Jaccard index of .2 with probability .92, and of
.02 with .025; candidates are then judged by the whole signature. A brief made of a dispatch's first paragraphs has a
small Jaccard index but is contained: containment follows from the index and the two sizes. How to find candidates among
many is signature_index.py's affair.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

PERMUTATIONS: Final = 126
ROWS: Final = 2
SHINGLE_WORDS: Final = 3
MIN_SHINGLES: Final = 20
"""Texts shorter than about 20 words are never near duplicates: they share too much by chance."""

_SEED: Final = 20_261
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Signature:
    """A text's MinHash values and how many distinct shingles it has.

    Attributes:
        packed: PERMUTATIONS 32-bit values, little-endian; a tenth of the memory of a tuple of numbers.
        shingles: distinct ones.
    """

    packed: bytes
    shingles: int

    @property
    def values(self) -> NDArray[np.uint32]:
        """The MinHash values."""
        return np.frombuffer(self.packed, dtype="<u4")


def signature(text: str) -> Signature | None:
    """The signature of a text, or None if it is too short to compare."""
    folded = unicodedata.normalize("NFKD", text.lower())
    for mark in filter(unicodedata.combining, set(folded)):  # few; asking every character took half of the stage's time
        folded = folded.replace(mark, "")
    words = _WORD.findall(folded)
    shingles = set(map(" ".join, zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)))
    if len(shingles) < MIN_SHINGLES:
        return None
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    minhash.update(list(shingles))  # in any order: each value is a minimum
    return Signature(np.array(minhash.digest(), dtype="<u4").tobytes(), len(shingles))


def jaccard(one: Signature, other: Signature) -> float:
    """The estimated share of shingles that two texts have in common; standard error about .04 at .2."""
    return float(np.count_nonzero(one.values == other.values)) / PERMUTATIONS


def containment(one: Signature, other: Signature) -> float:
    """The estimated share of the shorter text that is in the longer one, at most 1."""
    return containment_of(jaccard(one, other), one, other)


def containment_of(index: float, one: Signature, other: Signature) -> float:
    """The same, where the Jaccard index is known already."""
    common = index * (one.shingles + other.shingles) / (1 + index)
    return min(1.0, common / min(one.shingles, other.shingles))

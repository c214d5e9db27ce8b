"""How much two texts share, from fixed-size signatures: MinHash over word 3-grams.

126 permutations in 63 bands of 2 make a candidate of any pair with a Jaccard index of .2 with probability .92, and of
.02 with .025; candidates are then judged by the whole signature. A brief made of a dispatch's first paragraphs has a
small Jaccard index but is contained: containment follows from the index and the two sizes.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
    """A text's MinHash values and how many distinct shingles it has."""

    values: tuple[int, ...]
    shingles: int

    def bands(self) -> Iterator[tuple[int, int, int]]:
        """The keys under which the signature can be found: (band number, value, value)."""
        for start in range(0, PERMUTATIONS, ROWS):
            yield start, self.values[start], self.values[start + 1]


def signature(text: str) -> Signature | None:
    """The signature of a text, or None if it is too short to compare."""
    folded = unicodedata.normalize("NFKD", text.lower())
    words = _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)))
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1)}
    if len(shingles) < MIN_SHINGLES:
        return None
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    minhash.update(sorted(shingles))
    return Signature(tuple(minhash.digest()), len(shingles))


def jaccard(one: Signature, other: Signature) -> float:
    """The estimated share of shingles that two texts have in common; standard error about .04 at .2."""
    equal = sum(a == b for a, b in zip(one.values, other.values, strict=True))
    return equal / PERMUTATIONS


def containment(one: Signature, other: Signature) -> float:
    """The estimated share of the shorter text that is in the longer one, at most 1."""
    index = jaccard(one, other)
    common = index * (one.shingles + other.shingles) / (1 + index)
    return min(1.0, common / min(one.shingles, other.shingles))

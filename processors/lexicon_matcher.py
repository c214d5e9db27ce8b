"""A weighted word list matched in a text: stems in, terms found out, longest first.

The folding is the one the topic recipe was measured with (lexicons/README.md): accents, case, elided articles and
plural endings do not matter. Changing it means measuring again. Pure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from processors.text_normalization import fold

_WORD = re.compile(r"[a-z0-9°+&#]+(?:[.\-][a-z0-9+]+)*")
_ELISION = re.compile(r"\b(?:l|d|j|m|n|s|t|c|qu|jusqu|lorsqu|puisqu|quelqu)'")

Stems = tuple[str, ...]

SHORTEST_AUX, SHORTEST_PLURAL = 5, 4
"""Shorter words keep their ending: « eaux » is no plural of « eal », « bas » none of « ba »."""


def stem(word: str) -> str:
    """A folded word without its plural ending: journaux → journal, prix stays the key of « prix »."""
    if len(word) >= SHORTEST_AUX and word.endswith("aux"):
        return word[:-3] + "al"
    return word[:-1] if len(word) >= SHORTEST_PLURAL and word[-1] in "sx" else word


def stems(text: str) -> list[str]:
    """The stems of a text's words, in order."""
    return [stem(word) for word in _WORD.findall(_ELISION.sub(" ", fold(text)))]


@dataclass(frozen=True, slots=True)
class Term:
    """One entry: how it is written, and its weight for each code it speaks for."""

    text: str
    weights: Mapping[str, float]


class LexiconMatcher:
    """Finds the terms of a lexicon in a sequence of stems."""

    def __init__(self, terms: Mapping[Stems, Term]) -> None:
        self._terms = terms
        lengths: dict[str, set[int]] = {}
        for key in terms:
            lengths.setdefault(key[0], set()).add(len(key))
        self._lengths = {first: tuple(sorted(sizes, reverse=True)) for first, sizes in lengths.items()}

    @classmethod
    def from_codes(cls, codes: Mapping[str, Mapping[str, float]]) -> Self:
        """Build from code → term → weight. A term written twice for one code keeps its larger weight."""
        spelled: dict[Stems, str] = {}
        weights: dict[Stems, dict[str, float]] = {}
        for code, terms in codes.items():
            for text, weight in terms.items():
                key = tuple(stems(text))
                if key:
                    spelled.setdefault(key, text)
                    known = weights.setdefault(key, {})
                    known[code] = max(weight, known.get(code, 0.0))
        return cls({key: Term(spelled[key], weights[key]) for key in spelled})

    def __contains__(self, text: str) -> bool:
        """Whether the text as a whole is a term."""
        return tuple(stems(text)) in self._terms

    def term(self, key: Stems) -> Term:
        """The term of a key that `count` returned."""
        return self._terms[key]

    def count(self, words: Sequence[str]) -> Counter[Stems]:
        """How often each term occurs; where terms overlap, the longest counts and the others do not."""
        found: Counter[Stems] = Counter()
        index = 0
        while index < len(words):
            index += self._match_at(words, index, found)
        return found

    def _match_at(self, words: Sequence[str], index: int, found: Counter[Stems]) -> int:
        """Count the longest term that begins at `index`; returns by how many words to go on."""
        for length in self._candidate_lengths(words[index]):
            key = tuple(words[index : index + length])
            if key in self._terms:
                found[key] += 1
                return length
        return 1

    def _candidate_lengths(self, first: str) -> Iterable[int]:
        return self._lengths.get(first, ())

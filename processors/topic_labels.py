"""Title, text and section → IPTC Media Topics, each label with the evidence that led to it.

The recipe (measured in docs of lexicons/README.md): z = W·v + b + alpha·log1p(lexicon) + beta·section, then Platt
scaling; labels at p >= threshold, and always the best one. v is the mean of the model's word vectors over the content
words; the lexicon counts title hits more and hits far down in the text less; sections are words of the URL's path, the
feed's section and, at half weight, the publisher's keywords. Pure: weights, lexicon and vectors are passed in.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from processors.lexicon_matcher import LexiconMatcher, Stems, stems
from processors.text_normalization import fold
from schemas.labels import TopicLabel, Topics

Vector = NDArray[np.float64]

TITLE_WEIGHT = 1.6
"""What one hit in the title counts, in hits in the text; from the recipe."""

KEYWORD_WEIGHT = 0.5
"""What a publisher's keyword counts against the section itself: keywords name side issues too."""

MAX_TERMS_SHOWN = 6
"""Lexicon terms kept as evidence for one label, strongest first."""

_BLANKS = re.compile(r"[\s_]+")


@dataclass(frozen=True)
class TopicModel:
    """Fitted weights. `weights` is (labels, vector width); codes are the two digits of the top level."""

    codes: tuple[str, ...]
    weights: Vector
    bias: Vector
    alpha_lex: float
    beta_section: float
    head_chars: int
    max_chars: int
    body_decay: float
    platt: tuple[float, float]
    platt_with_section: tuple[float, float]
    threshold: float
    threshold_with_section: float


@dataclass(frozen=True)
class LexiconScore:
    """The lexicon's word on a text: a score for each code, and which terms gave how much of it."""

    total: Vector
    terms: Mapping[str, tuple[tuple[str, float], ...]]


def section_names(url: str | None, section: str | None) -> tuple[str, ...]:
    """The words that may name a section: the folders of the URL's path, and what the feed or page calls it."""
    path = urlsplit(url).path if url else ""
    segments = [unquote(part) for part in path.split("/") if part]
    return tuple(dict.fromkeys(_section_key(name) for name in [*segments, section or ""] if name))


def _section_key(name: str) -> str:
    return _BLANKS.sub("-", fold(name).strip())


class TopicLabeller:
    """Scores and labels texts; holds weights and word lists only, so that no article changes what the next one gets."""

    def __init__(
        self,
        model: TopicModel,
        matcher: LexiconMatcher,
        sections: Mapping[str, Mapping[str, float]],
        labels: Mapping[str, str],
    ) -> None:
        self.model = model
        self.matcher = matcher
        self._sections = sections
        self._labels = labels
        self._index = {code: row for row, code in enumerate(model.codes)}

    def label(
        self,
        title: str,
        text: str,
        vector: Vector,
        *,
        url: str | None = None,
        section: str | None = None,
        keywords: Sequence[str] = (),
    ) -> Topics:
        """The labels of an article. `vector` is the unit mean vector of its content words, or zeros."""
        lexicon = self.lexicon_score(title, text)
        names = section_names(url, section)
        hints = self.section_score(names, keywords)
        with_section = bool(hints.any())
        probabilities = self.probabilities(vector, lexicon.total, hints)
        threshold = self.model.threshold_with_section if with_section else self.model.threshold
        order = sorted(range(len(probabilities)), key=lambda row: (-probabilities[row], row))
        kept = [row for rank, row in enumerate(order) if rank == 0 or probabilities[row] >= threshold]
        part = self.model.weights @ vector
        detail = tuple(
            TopicLabel(
                code=f"medtop:{self.model.codes[row]}000000",
                label=self._labels[self.model.codes[row]],
                score=round(float(probabilities[row]), 3),
                evidence=self._evidence(row, lexicon, names, keywords, float(part[row])),
            )
            for row in kept
        )
        return Topics(code=tuple(t.code for t in detail), label=tuple(t.label for t in detail), detail=detail)

    def probabilities(self, vector: Vector, lexicon: Vector, hints: Vector) -> Vector:
        """Calibrated probability of each code, in the order of `model.codes`."""
        model = self.model
        with_section = bool(hints.any())
        z = model.weights @ vector + model.bias + model.alpha_lex * np.log1p(lexicon) + model.beta_section * hints
        slope, offset = model.platt_with_section if with_section else model.platt
        result: Vector = 1.0 / (1.0 + np.exp(-(slope * z + offset)))
        return result

    def lexicon_score(self, title: str, text: str) -> LexiconScore:
        """Terms found: title and the first `head_chars` count fully, the rest up to `max_chars` by `body_decay`."""
        head, rest = text[: self.model.head_chars], text[self.model.head_chars : self.model.max_chars]
        near: Counter[Stems] = Counter(self.matcher.count(stems(head)))
        weighted = {key: float(hits) for key, hits in near.items()}
        for key, hits in self.matcher.count(stems(title)).items():
            weighted[key] = weighted.get(key, 0.0) + TITLE_WEIGHT * hits
        total = np.zeros(len(self.model.codes))
        terms: dict[str, dict[str, float]] = {}
        self._add(weighted, 1.0, total, terms)
        far = self.matcher.count(stems(rest)) if rest else Counter()
        self._add(far, self.model.body_decay, total, terms)
        ranked = {
            code: tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))) for code, found in terms.items()
        }
        return LexiconScore(total, ranked)

    def _add(
        self, hits: Mapping[Stems, float], factor: float, total: Vector, terms: dict[str, dict[str, float]]
    ) -> None:
        for key, count in hits.items():
            term = self.matcher.term(key)
            # Repetition counts less and less; a term that speaks for k codes says less about each (recipe).
            strength = factor * min(count, TITLE_WEIGHT + 0.5 * log(max(count, 1.0))) / sqrt(len(term.weights))
            for code, weight in term.weights.items():
                total[self._index[code]] += weight * strength
                found = terms.setdefault(code, {})
                found[term.text] = found.get(term.text, 0.0) + weight * strength

    def section_score(self, names: Iterable[str], keywords: Iterable[str] = ()) -> Vector:
        """The strongest hint for each code; zeros where the section says nothing (« monde », « france »)."""
        hints = np.zeros(len(self.model.codes))
        weighted = [(name, 1.0) for name in names] + [(_section_key(word), KEYWORD_WEIGHT) for word in keywords]
        for name, factor in weighted:
            for code, weight in self._sections.get(name, {}).items():
                row = self._index[code]
                hints[row] = max(hints[row], factor * weight)
        return hints

    def _evidence(
        self, row: int, lexicon: LexiconScore, names: Sequence[str], keywords: Sequence[str], vector_part: float
    ) -> tuple[str, ...]:
        code = self.model.codes[row]
        found = [f"section:{name}" for name in names if code in self._sections.get(name, {})]
        found += [f"keyword:{word}" for word in keywords if code in self._sections.get(_section_key(word), {})]
        found += [f"lexicon:{term}" for term, _ in lexicon.terms.get(code, ())[:MAX_TERMS_SHOWN]]
        if vector_part > 0 or not found:
            found.append("vectors")
        return tuple(found)

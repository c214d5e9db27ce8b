"""Who may read a page, and what says so; and the text without the sentences that ask for a subscription.

Truth first: only JSON-LD and sentences that speak of *this* article count. « Article réservé aux abonnés » beside a
link or below the comments says nothing of the page (3 of 50 free pages measured have it).
"""

import re
from typing import Final, NamedTuple

from schemas.articles import Access

_REST: Final = r"il\s+vous\s+reste\s+[\d.,]+\s*%"
_TAILS: Final = (
    re.compile(
        rf"{_REST}\s*(?:de\s+(?:cet\s+article|ce\s+contenu|la\s+lecture)|à\s+(?:lire|découvrir))", re.IGNORECASE
    ),
    re.compile(
        r"\b(?:cet\s+article|ce\s+contenu|la\s+suite(?:\s+de\s+(?:cet|l[’'])\s*article)?|l[’']article\s+complet)\s+"
        r"est\s+(?:exclusivement\s+)?réservée?s?\s+(?:à\s+nos|aux)\s+abonnés",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:pour\s+lire\s+la\s+suite|pour\s+accéder\s+à\s+(?:l[’']intégralité|la\s+suite)).{0,60}\babonne",
        re.IGNORECASE,
    ),
)
_WEAK_TAIL: Final = re.compile(
    r"^\W*(?:"
    r"article\s+réservé\s+(?:à\s+nos|aux)\s+abonnés|réservée?s?\s+aux\s+abonnés|déjà\s+abonnée?\s*\?.*|"
    r"(?:je\s+m[’']|s[’']|m[’'])abonne[rz]?\b.*|abonnez-vous\b.*|se\s+connecter|lire\s+la\s+suite|"
    r"la\s+suite\s+est\s+réservée.*|connectez-vous\b.*|.*\bpour\s+(?:seulement\s+)?1\s?€.*|déjà\s+abonné.*"
    r")\W*$",
    re.IGNORECASE,
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…»])\s+")
_PAGE_SENTENCE: Final = _TAILS[:2]
_LAST_LINES: Final = 5


class Readable(NamedTuple):
    """The text that may be kept and what is known of access."""

    text: str
    access: Access


def readable_text(text: str, *, free: bool | None, page_text: str) -> Readable:
    """The text without its subscription tail, and the access truth with its evidence.

    Args:
        text: extracted, paragraphs separated by newlines.
        free: JSON-LD isAccessibleForFree.
        page_text: all visible text: the sentence may stand outside what was extracted.
    """
    kept, tail = _without_tail(text)
    evidence = []
    if free is not None:
        evidence.append(f"json-ld isAccessibleForFree={str(free).lower()}")
    sentence = tail or _sentence(page_text)
    if sentence:
        evidence.append(f"text: {sentence}")
    if free is False or (sentence and free is not True):
        return Readable(kept, Access(status="subscriber", truncated=True, evidence=tuple(evidence)))
    if free:
        return Readable(text, Access(status="free", evidence=tuple(evidence)))
    return Readable(text, Access(status="unknown", evidence=tuple(evidence)))


def _without_tail(text: str) -> tuple[str, str]:
    """The text up to a subscription tail among its last lines, and the sentence found there."""
    lines = text.split("\n")
    start = max(0, len(lines) - _LAST_LINES)
    for number in range(start, len(lines)):
        matches = [match for pattern in _TAILS if (match := pattern.search(lines[number]))]
        if matches:
            first = min(matches, key=lambda match: match.start())
            rest = _SENTENCE_END.split(lines[number][: first.start()])[:-1]  # whole sentences before it stay
            return "\n".join([*_trimmed(lines[:number]), *([" ".join(rest)] if rest else [])]), first.group(0)
    return "\n".join(_trimmed(lines)), ""


def _trimmed(lines: list[str]) -> list[str]:
    while lines and _WEAK_TAIL.match(lines[-1]):
        lines = lines[:-1]
    return lines


def _sentence(page_text: str) -> str:
    return next((match.group(0) for pattern in _PAGE_SENTENCE if (match := pattern.search(page_text))), "")

"""Text → direct quotations: the words between « » and, where the sentence says so, who said them.

Deliberately careful: a speaker is named only if exactly one person of the sentence stands beside a verb of speech (or
after « selon »), outside the quotation. Works' titles and single words in quotes are no quotations. Pure.
"""

import re
from collections.abc import Sequence

from processors.text_normalization import fold, paragraphs
from schemas.labels import Entities, Quotes

MIN_WORDS = 3
MIN_CONTENT_LETTERS = 4
MAX_QUOTES = 30
MAX_VERB_DISTANCE = 45
"""Characters between a person and the verb: « a expliqué vendredi la ministre de la santé, Agnès X »."""

_QUOTED = re.compile(r"«\s*([^«»]+?)\s*»|“\s*([^“”]+?)\s*”")
_SENTENCE_END = re.compile(r"(?<!\b[A-ZÉ])(?<!\bMM)(?<!\bDr)(?<!\bMgr)[.!?…](?=\s+[A-ZÉÈÀÂÎÔÇ«“])")
_SPEECH = re.compile(
    r"\b(?:dit|declar\w+|affirm\w+|explique\w*|assur\w+|ajout\w+|estim\w+|lanc\w+|soulign\w+|precis\w+|confi\w+|"
    r"annonc\w+|indiqu\w+|rappel\w+|regrett\w+|denonc\w+|reconn\w+|promet\w*|promis|repond\w*|raconte\w*|resum\w+|"
    r"insist\w+|martel\w+|juge\w*|salu\w+|critiqu\w+|temoign\w+|conclu\w*|poursui\w+|avert\w+|ecri\w+|"
    r"previen\w+|rejoui\w+|observ\w+|note|repet\w+|plaid\w+|inquiet\w+|comment\w+|soupir\w+|ironis\w+|fustig\w+)\b"
)
_ACCORDING_TO = re.compile(r"\b(?:selon|d'apres|pour|aux yeux de|de l'avis de)\b[^.;:]{0,40}$")


def quotations(text: str, entities: Entities) -> Quotes:
    """The quotations in order; `speaker[i]` is empty where it is not certain.

    Args:
        text: The text that the entities' mentions refer to.
        entities: The article's entities.
    """
    people = [
        (start, end, entity.name)
        for entity in entities.detail
        if entity.kind == "PER"
        for start, end in entity.mentions
    ]
    found = [
        (_speaker(text, match.span(), offset, offset + len(line), people), match.group(1) or match.group(2))
        for offset, line in paragraphs(text)
        for match in _QUOTED.finditer(text, offset, offset + len(line))
    ]
    kept = [(speaker, words) for speaker, words in found if _is_quotation(words)][:MAX_QUOTES]
    return Quotes(speaker=tuple(speaker for speaker, _ in kept), text=tuple(words for _, words in kept))


def _is_quotation(words: str) -> bool:
    """Enough words, and not all of them capitalised as in « La Dernière Écluse »."""
    parts = words.split()
    content = [part for part in parts if len(part) >= MIN_CONTENT_LETTERS]
    return len(parts) >= MIN_WORDS and not all(part[0].isupper() for part in content)


def _speaker(text: str, quote: tuple[int, int], start: int, end: int, people: Sequence[tuple[int, int, str]]) -> str:
    """The one person of the sentence around the quotation, if a verb of speech stands there too."""
    begin = max((m.end() for m in _SENTENCE_END.finditer(text, start, quote[0] + 1)), default=start)
    after = _SENTENCE_END.search(text, quote[1], end)
    stop = after.start() if after else end
    names = {
        name
        for first, last, name in people
        if begin <= first
        and last <= stop
        and not quote[0] <= first < quote[1]
        and _speaks(text, (first, last), quote, begin, stop)
    }
    return names.pop() if len(names) == 1 else ""


def _speaks(text: str, person: tuple[int, int], quote: tuple[int, int], begin: int, stop: int) -> bool:
    """Whether a verb of speech stands close to the person, on the person's side of the quotation."""
    low, high = (begin, quote[0]) if person[0] < quote[0] else (quote[1], stop)
    before = fold(text[max(low, person[0] - MAX_VERB_DISTANCE) : person[0]])
    behind = fold(text[person[1] : min(high, person[1] + MAX_VERB_DISTANCE)])
    return bool(_SPEECH.search(before) or _SPEECH.search(behind) or _ACCORDING_TO.search(before))

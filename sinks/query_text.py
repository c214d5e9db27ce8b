"""What a person typed -> words, names and phrases, as French reads them.

    "accord de principe"  « accord de principe »   a phrase: exactly these words in this order
    Le Pen, La Poste, Les Républicains             a name: an article and a capital belong together
    Les élections, La guerre                       a sentence's beginning: its article says nothing

The index keeps a capitalised article (analysis.py), because it may belong to a name. So it must be decided here whether
the one that was typed does, or « Les élections » would find only articles in which « Les » stands somewhere.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_PHRASE: Final = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»')
_QUOTES: Final = re.compile(r'["“”«»]')

_NAME_ARTICLES: Final = frozenset({"le", "la", "les"})
_BEGINNINGS: Final = frozenset(
    {"Le", "La", "Les", "Un", "Une", "Des", "Du", "De", "Au", "Aux", "Ce", "Ces", "Dans", "En", "Et", "Par", "Pour"}
    | {"Sur", "Avec", "Qui", "Que", "Mais", "Ou"}
)


@dataclass(frozen=True)
class QueryText:
    """What was typed, taken apart.

    Attributes:
        words: all words outside of phrases, names included, for free matching and highlighting.
        loose: the words that may stand anywhere.
        names: word pairs that must stand together.
        phrases: must stand exactly as typed but for case and accents.
    """

    words: str = ""
    loose: str = ""
    names: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

    @property
    def word_count(self) -> int:
        """Words outside of phrases."""
        return len(self.words.split())


def query_text(typed: str) -> QueryText:
    """Take apart what was typed; an empty result asks for everything."""
    composed = unicodedata.normalize("NFC", typed)
    phrases = [next(filter(None, match.groups())).strip() for match in _PHRASE.finditer(composed)]
    rest = _QUOTES.sub(" ", _PHRASE.sub(" ", composed)).split()
    words = [
        word.lower() if word in _BEGINNINGS and following[:1].islower() else word
        for word, following in pairwise([*rest, ""])
    ]
    loose, names = _names(words)
    return QueryText(
        words=" ".join(words), loose=" ".join(loose), names=tuple(names), phrases=tuple(p for p in phrases if p)
    )


def _names(words: list[str]) -> tuple[list[str], list[str]]:
    loose: list[str] = []
    names: list[str] = []
    position = 0
    while position < len(words):
        word, following = words[position], (words[position + 1 : position + 2] or [""])[0]
        if word[:1].isupper() and word.lower() in _NAME_ARTICLES and following[:1].isupper():
            names.append(f"{word} {following}")
            position += 2
        else:
            loose.append(word)
            position += 1
    return loose, names

"""How strings are made comparable, in one place, so that lexicons and texts are folded by the same rules.

Pure. What a word means is left to the modules that look it up.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_LIGATURES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "œ": "oe", "æ": "ae", "ı": "i", "ø": "o"})
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
_SEPARATORS = re.compile(r"[\s\-‐‑–'.]+")
_SAINT = re.compile(r"\bst(e?) ")
_DOTTED = re.compile(r"\b(?:[A-ZÉÀ]\.){2,}")


def straight_apostrophes(text: str) -> str:
    """The text with ' for typographic apostrophes. Same length, so offsets stay valid.

    The language model was trained on straight ones and takes « l’Élysée » for one word otherwise.
    """
    return text.translate(_APOSTROPHES)


def fold(text: str) -> str:
    """Lower case, no accents, no ligatures, straight apostrophes."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    bare = "".join(c for c in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(c))
    return bare.translate(_LIGATURES)


@lru_cache(maxsize=1 << 14)
def name_key(name: str) -> str:
    """The key under which a name is looked up: « Saint-Étienne », « St Etienne » and « SAINT ETIENNE » share one.

    Hyphens, apostrophes, dots and blanks are one blank; O.N.U. is onu. Idempotent.
    """
    joined = _DOTTED.sub(lambda match: match.group().replace(".", "") + " ", name)
    return _SAINT.sub(r"saint\1 ", _SEPARATORS.sub(" ", fold(joined)).strip())


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Every paragraph that says something, with the offset of its first character; newlines separate them."""
    offset = 0
    for line in text.split("\n"):
        if line.strip():
            yield offset, line
        offset += len(line) + 1

"""Which news agencies an article credits, in the byline or in the text's first or last words.

Names are given as agencies write them. Any acronym after "avec" in a byline is an agency: there are more of them than
a table can hold.
"""

import re
from collections.abc import Iterable
from typing import Final

_KNOWN: Final = {
    "afp": "AFP", "agence france-presse": "AFP", "agence france presse": "AFP", "reuters": "Reuters", "ap": "AP",
    "associated press": "AP", "ats": "ATS", "keystone-ats": "ATS", "belga": "Belga", "dpa": "dpa", "efe": "EFE",
    "ansa": "ANSA", "bloomberg": "Bloomberg", "xinhua": "Xinhua", "tass": "TASS", "la presse canadienne": "PC",
    "aef": "AEF", "apmnews": "APMnews", "relaxnews": "Relaxnews",
}  # fmt: skip
_NAMES: Final = "|".join(sorted((re.escape(name) for name in _KNOWN if name != "ap"), key=len, reverse=True))
_IN_BYLINE: Final = re.compile(rf"(?<![\w-])(?:{_NAMES})(?![\w-])", re.IGNORECASE)
_WITH: Final = re.compile(r"\bavec\s+(?:l[’'])?(?:agence\s+)?([A-Z][A-Z]{1,5})\b")
_IN_BRACKETS: Final = re.compile(
    rf"\(\s*(?:avec\s+)?((?:{_NAMES}|ap)(?:\s*[,/]\s*(?:{_NAMES}|ap))*)\s*\)", re.IGNORECASE
)
_SIGNED: Final = re.compile(rf"^(?:avec\s+)?({_NAMES}|ap)\.?$", re.IGNORECASE)
_LEAD_CHARACTERS: Final = 160
_WORD: Final = re.compile(r"[^\W\d_]+")


def agency_credits(authors: Iterable[str], text: str | None) -> tuple[str, ...]:
    """The agencies that byline and text credit, in order, each once."""
    found: list[str] = []
    for author in authors:
        found += [_KNOWN[match.lower()] for match in _IN_BYLINE.findall(author)]
        found += [_KNOWN.get(name.lower(), name) for name in _WITH.findall(author)]
        if author.strip() == "AP":
            found.append("AP")
    found += _credited_in(text or "")
    return tuple(dict.fromkeys(found))


def acronym(name: str) -> str:
    """How an agency of that name is credited: "Agence France-Presse" as AFP; names of one word as they are."""
    known = _KNOWN.get(name.lower())
    words = [word for word in _WORD.findall(name) if word[0].isupper()]
    return known or ("".join(word[0] for word in words) if len(words) > 1 else name)


def _credited_in(text: str) -> list[str]:
    """Dateline « PARIS (Reuters) - » and signatures at the end; a mention in between is a source, not a credit."""
    lines = text.split("\n")
    places = (text[:_LEAD_CHARACTERS], lines[-1])
    found = [
        name for place in places for match in _IN_BRACKETS.findall(place) for name in re.split(r"\s*[,/]\s*", match)
    ]
    signed = _SIGNED.match(lines[-1].strip())
    if signed:
        found.append(signed.group(1))
    return [_KNOWN[name.lower()] for name in found if name.lower() in _KNOWN]

"""Extracted lines -> the article's own paragraphs: no title on top, no share bars, teasers or pull quotes.

Works on text alone, so every rule can be read in a test. What is dropped is what pages put around articles; a sentence
of the article is never dropped for being short.
"""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

_HEAD_LINES: Final = 5
_SAME: Final = 0.87
_PULL_QUOTE_CHARACTERS: Final = 40
_BULLET: Final = re.compile(r"^[-–—•*]\s+")
_WORDS: Final = re.compile(r"[^\W_]+")
_TEASER: Final = re.compile(
    r"^\W*(?:[àa]\s+)?(?:lire|voir|écouter|regarder|découvrir|retrouver|relire|revoir)\s+(?:aussi|également|encore|plus|notre|nos|"
    r"les?\s+contributions?)\b.{0,200}$|"
    r"^\W*(?:lire|voir)\s*[:|].{0,200}$|^\W*(?:sur\s+le\s+même\s+(?:sujet|thème)|pour\s+aller\s+plus\s+loin|à\s+voir|"
    r"(?:nos\s+)?articles?\s+(?:liés?|associés?|récents?|similaires?|recommandés?)|les?\s+plus\s+lus?|"
    r"voir\s+les\s+contributions|contribuer|réagir|commenter|commentaires?(?:\s*\(\d+\))?)\W*$",
    re.IGNORECASE,
)
_FURNITURE: Final = re.compile(
    r"^\W*(?:publicité|partager(?:\s+(?:sur|cet|par|via)\b.{0,60})?|tweeter|imprimer|envoyer(?:\s+à\s+un\s+ami|\s+par\b.{0,30})?|"
    r"copier\s+le\s+lien|offrir\s+l[’']article|suivez-nous\b.{0,80}|(?:s[’']inscrire|inscrivez-vous|abonnez-vous)\s+à\s+"
    r"(?:la|notre|nos|cette)\s+(?:newsletters?|lettres?).{0,120}|temps\s+de\s+lecture\b.{0,30}|durée\s+de\s+lecture\b.{0,30}|"
    r"(?:publié|mis\s+(?:à\s+jour|en\s+ligne)|posté|créé|modifié)\s+(?:le|il\s+y\s+a|à)\b.{0,80}|"
    r"(?:crédits?\s+)?photos?\s*[:©].{0,120}|©.{0,80}|chargement\b.{0,30}|nouvelle\s+fenêtre|"
    r"ajouter\s+à\s+vos\s+(?:articles|favoris).{0,60}|newsletter|mots-clés\s*:.{0,200}|tags?\s*:.{0,200})\W*$",
    re.IGNORECASE,
)
_TWEET_SIGNATURE: Final = re.compile(r"^[—–-]\s.{0,80}\(@\w+\)\s.{0,40}\d{4}\W*$")


def article_lines(text: str, *, headings: Iterable[str]) -> str:
    """The article's paragraphs, separated by newlines, NFC.

    Args:
        text: extracted lines.
        headings: title and standfirst in all spellings known: not repeated on top of the text.
    """
    lines = [" ".join(line.split(" ")).strip() for line in unicodedata.normalize("NFC", text).split("\n")]
    kept = [line for line in lines if line and not _is_furniture(line)]
    kept = _without_headings(kept, [heading for heading in map(_plain, headings) if heading])
    return "\n".join(_without_repetitions(kept))


def opens_with(text: str, standfirst: str) -> bool:
    """Whether a text's first paragraph begins with the standfirst: many pages make their description of it."""
    return _plain(text.split("\n", 1)[0]).startswith(_plain(standfirst.removesuffix("…"))[:200])


def _is_furniture(line: str) -> bool:
    bare = _BULLET.sub("", line)
    return any(pattern.match(bare) for pattern in (_TEASER, _FURNITURE)) or bool(_TWEET_SIGNATURE.match(line))


def _plain(text: str) -> str:
    """Words only, lower case: what is compared."""
    return " ".join(_WORDS.findall(text.lower()))


def _without_headings(lines: list[str], headings: list[str]) -> list[str]:
    top, rest = lines[:_HEAD_LINES], lines[_HEAD_LINES:]
    kept = [line for line in top if not any(_repeats(_plain(line), heading) for heading in headings)]
    return kept + rest


def _repeats(line: str, heading: str) -> bool:
    """The same words, or the heading's beginning where it was cut; a paragraph that goes on is the article's own."""
    if not line:
        return False
    shorter = min(len(line), len(heading))
    if line == heading or (shorter > _PULL_QUOTE_CHARACTERS and heading.startswith(line)):
        return True
    if shorter < 0.8 * max(len(line), len(heading)):
        return False
    return SequenceMatcher(None, line, heading, autojunk=False).ratio() >= _SAME


def _without_repetitions(lines: list[str]) -> list[str]:
    """Without pull quotes (a line whose words stand in another paragraph) and second copies of a line."""
    plain = [_plain(line) for line in lines]
    whole = " | ".join(plain)
    kept: list[str] = []
    seen: set[str] = set()
    for line, words in zip(lines, plain, strict=True):
        is_part_of_another = plain.count(words) == 1 and whole.count(words) > 1
        if len(words) >= _PULL_QUOTE_CHARACTERS and (words in seen or is_part_of_another):
            continue
        seen.add(words)
        kept.append(line)
    return kept

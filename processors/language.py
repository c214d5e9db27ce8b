"""Text → its language: French or not French.

py3langid knows the languages of our neighbours and most of the regional ones; it was measured never to call Occitan,
Catalan, Breton, Basque, Corsican, Alsatian, Creole or Walloon French (tests/quality). Corsican and Alsatian, which it
does not know, come out as Italian or Ligurian, and as Luxembourgish or Dutch: not French, which is all we decide.
The body decides; title and feed count only where the body is too short. Pure apart from the model.
"""

import re
from functools import lru_cache
from typing import Any, Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from schemas.labels import Language

SHORT_CHARACTERS: Final = 30
"""Below this the feed's word is better than any measurement."""

UNSURE_CHARACTERS: Final = 80
"""Below this a near miss goes to the language the feed declares."""

UNSURE_RATIO, UNSURE_CONFIDENCE = 0.65, 0.45
"""A near miss: the declared language has this share of the best one's probability, and the best one no more than that.
Measured on 2,000 French headlines and 3,000 short texts in other languages: the nearest of those has .63."""

SAMPLE_CHARACTERS: Final = 500
"""Length of each of the three samples (beginning, middle, end) that are read of a long body."""

_PRIMARY_TAG = re.compile(r"[a-z]{2,3}")

LANGUAGES: Final = (
    *("fr", "en", "de", "nl", "lb", "it", "es", "pt", "ca", "oc", "br", "eu", "ht", "gcf", "gcr", "wa", "lij", "vec"),
    *("an", "gl", "ro", "pl", "cs", "sk", "hu", "sl", "hr", "bs", "sr", "sq", "el", "bg", "mk", "ru", "uk", "be", "lt"),
    *("lv", "et", "fi", "sv", "da", "no", "nn", "is", "ga", "gd", "cy", "mt", "tr", "ku", "az", "hy", "ka", "he", "ar"),
    *("fa", "ps", "ur", "hi", "zh", "ja", "ko", "vi", "th", "id", "ms", "mg", "rw", "ln", "sw", "so", "ha", "yo", "ig"),
    *("am", "la", "eo"),
)
"""What may be found: languages of publishers that French feeds link to. Rarer ones only draw short titles."""


class LanguageDetector:
    """The identifier, loaded once; holds nothing of one text for the next."""

    def __init__(self, identifier: Any) -> None:
        self._identifier = identifier

    def detect(self, text: str | None, title: str = "", hint: str | None = None) -> Language:
        """The language of an article.

        Args:
            text: The body; null or empty if there is none.
            title: Used where the body is short.
            hint: The language that the feed or page declares (a tag such as fr or fr-FR).
        """
        sample = _sample(text or "")
        if len(sample) < SHORT_CHARACTERS:
            sample = f"{title.strip()} {sample}".strip()
        declared = _primary_tag(hint)
        if len(sample) < SHORT_CHARACTERS and declared:
            return Language(code=declared, confidence=0.5)
        ranked = self._identifier.rank(sample)
        code, confidence = ranked[0]
        if declared and code != declared and len(sample) < UNSURE_CHARACTERS:
            of_declared = dict(ranked).get(declared, 0.0)
            if confidence < UNSURE_CONFIDENCE and of_declared >= UNSURE_RATIO * confidence:
                code, confidence = declared, of_declared
        return Language(code=code, confidence=round(float(confidence), 3))


@lru_cache(maxsize=1)
def load_language_detector() -> LanguageDetector:
    """The detector (about .3 s and 60 MB); one for the process."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return LanguageDetector(identifier)


def detect(text: str | None, title: str = "", hint: str | None = None) -> Language:
    """The language of an article, with the process's detector."""
    return load_language_detector().detect(text, title, hint)


def _primary_tag(hint: str | None) -> str | None:
    """The language of a tag (fr-FR and fr_fr: fr), None if it is no tag."""
    tag = (hint or "").strip().lower().replace("_", "-").split("-", 1)[0]
    return tag if _PRIMARY_TAG.fullmatch(tag) else None


def _sample(text: str) -> str:
    """Beginning, middle and end of a long text: a page with a foreign opening is judged by its body."""
    stripped = text.strip()
    if len(stripped) <= 3 * SAMPLE_CHARACTERS:
        return stripped
    middle = (len(stripped) - SAMPLE_CHARACTERS) // 2
    parts = (
        stripped[:SAMPLE_CHARACTERS],
        stripped[middle : middle + SAMPLE_CHARACTERS],
        stripped[-SAMPLE_CHARACTERS:],
    )
    return "\n".join(parts)

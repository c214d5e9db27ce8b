"""Is this page the article that the feed announced? Consent walls, error pages and robot checks answer 200 as well.

Evidence: words of the page's own titles, how much text there is, whether schema.org or Open Graph call it an article,
and whether the page speaks of what the feed's title says.
"""

import re
from typing import Final, Literal

Verdict = Literal["article", "consent_wall", "error_page", "robot_check", "other_page", "no_text"]

SHORT_CHARACTERS: Final = 1_500
"""Consent and error pages say less than this; articles mostly more."""
MIN_CHARACTERS: Final = 200
"""Text below this is no article by itself."""

_ERROR_TITLE: Final = re.compile(
    r"\b(?:404|410|500|503)\b|introuvable|n[’']existe\s+(?:pas|plus)|not\s+found|erreur|page\s+non\s+trouvée|"
    r"oups|contenu\s+indisponible|service\s+(?:temporairement\s+)?indisponible|unavailable|en\s+maintenance",
    re.IGNORECASE,
)
_ROBOT_TITLE: Final = re.compile(
    r"just\s+a\s+moment|attention\s+required|access\s+denied|accès\s+(?:refusé|interdit)|captcha|"
    r"(?:pas|not)\s+(?:un|a)\s+robot|êtes-vous\s+(?:un\s+humain|humain)|pardon\s+our\s+interruption|verif(?:y|ication).{0,30}human|"
    r"vérif\w+.{0,40}(?:humain|navigateur|robot|sécurité)|security\s+check|you\s+have\s+been\s+blocked",
    re.IGNORECASE,
)
_CONSENT: Final = re.compile(
    r"consentement|cookies?|traceurs?|accepter\s+et\s+(?:continuer|fermer|accéder)|tout\s+(?:accepter|refuser)|"
    r"continuer\s+sans\s+accepter|gérer\s+(?:mes|les)\s+(?:choix|préférences)|partenaires\s+stock|données\s+personnelles|"
    r"finalités|vie\s+privée|identifiants?\s+uniques?",
    re.IGNORECASE,
)
_CONSENT_TITLE: Final = re.compile(r"consentement|cookies?\b|vie\s+privée|privacy|traceurs?", re.IGNORECASE)
_MANY_CONSENT_WORDS: Final = 3
_WORDS: Final = re.compile(r"[^\W_]{4,}")
_SHARED: Final = 0.34


def verdict(
    *, titles: tuple[str, ...], text: str, page_text: str, marked_as_article: bool, announced_title: str | None
) -> Verdict:
    """What the page is.

    Args:
        titles: all titles the page has.
        text: the extracted article text.
        page_text: all visible text.
        marked_as_article: JSON-LD or Open Graph call it an article.
        announced_title: the feed's title, None if unknown.
    """
    short = len(text) < SHORT_CHARACTERS
    fits = announced_title is None or speaks_of(announced_title, " ".join((*titles, text)))
    if short and not (marked_as_article and fits):
        own = " | ".join(titles[:4])
        if _ROBOT_TITLE.search(own) or (len(page_text) < SHORT_CHARACTERS and _ROBOT_TITLE.search(page_text)):
            return "robot_check"
        if _ERROR_TITLE.search(own) and not (fits and announced_title):
            return "error_page"
        if _is_consent_wall(own, text, page_text):
            return "consent_wall"
        if not fits:
            return "other_page"
    return "no_text" if len(text) < MIN_CHARACTERS and not (marked_as_article and text) else "article"


def speaks_of(title: str, text: str) -> bool:
    """Whether at least a third of a title's longer words stand in a text."""
    wanted = {word.lower() for word in _WORDS.findall(title)}
    if not wanted:
        return True
    found = {word.lower() for word in _WORDS.findall(text)}
    return len(wanted & found) >= _SHARED * len(wanted)


def _is_consent_wall(titles: str, text: str, page_text: str) -> bool:
    """Its titles speak of consent, or what text there is does little else."""
    words = len(_CONSENT.findall(text))
    if _CONSENT_TITLE.search(titles):
        return len(_CONSENT.findall(page_text)) >= _MANY_CONSENT_WORDS
    return words >= _MANY_CONSENT_WORDS and words * 120 > len(text)

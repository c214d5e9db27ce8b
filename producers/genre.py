"""What kind of piece an article is, and whether somebody paid for it, by the publisher's own words."""

import re
from collections.abc import Iterable
from typing import Final

from schemas.articles import Genre

_TYPES: Final[dict[str, Genre]] = {
    "liveblogposting": "live",
    "opinionnewsarticle": "opinion",
    "reportagenewsarticle": "report",
}
_LIVE: Final = re.compile(
    r"^(?:🔴\s*)?(?:en direct|direct|live)\b|\ben direct\s*[:,–-]|/(?:live|en-direct|direct)/", re.IGNORECASE
)
_OPINION: Final = re.compile(
    r"^(?:tribune|éditorial|édito|chronique|opinion|billet|point de vue|humeur)\b|\b(?:tribunes?|idées|débats|"
    r"opinions?|éditoriaux|éditorial|chroniques?)$|/(?:opinions?|tribunes?|idees|editos?|chroniques?)/",
    re.IGNORECASE,
)
_INTERVIEW: Final = re.compile(
    r"^(?:entretien|interview|grand entretien)\b|/(?:entretiens?|interviews?)/", re.IGNORECASE
)
_REPORT: Final = re.compile(r"^(?:reportage|enquête|grand format|récit)\b|/(?:reportages?|enquetes?)/", re.IGNORECASE)
_SPONSORED: Final = re.compile(
    r"\b(?:contenu|article)\s+(?:sponsorisé|partenaire|de marque)|publi-?(?:rédactionnel|reportage|communiqué)|"
    r"\ben partenariat avec\b|/(?:brand-?content|sponsorise|partenaires?|publi-?redactionnel)/",
    re.IGNORECASE,
)


def genre_of(*, json_ld_type: str, title: str, section: str, path: str, signed_by_agency: bool) -> Genre:
    """The genre that the publisher's own words name; "dispatch" for what an agency signs; else "other"."""
    if json_ld_type in _TYPES:
        return _TYPES[json_ld_type]
    places = (title, section, path)
    kinds: tuple[tuple[Genre, re.Pattern[str]], ...] = (
        ("live", _LIVE),
        ("opinion", _OPINION),
        ("interview", _INTERVIEW),
        ("report", _REPORT),
    )
    for genre, pattern in kinds:
        if any(pattern.search(place) for place in places):
            return genre
    return "dispatch" if signed_by_agency else "other"


def is_sponsored(*, json_ld_type: str, section: str, path: str, keywords: Iterable[str]) -> bool:
    """Whether the publisher marks the piece as paid for."""
    return json_ld_type == "advertisercontentarticle" or any(
        _SPONSORED.search(place) for place in (section, path, *keywords)
    )

"""Names of places → places of the gazetteer, chosen by context, and the one the article is about.

Several places may bear a name. Each candidate gets points: how well known it is, whether the sentence treats it as a
town or as a country (« à Vienne », « la Vienne »), what stands in brackets after it, which countries the article is in,
and which départements the publisher covers. Points are powers of ten of inhabitants where nothing else is said, so that
one point is worth a place ten times as large. Pure.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log10

from processors.entities import NamedMention
from processors.gazetteer import Candidate, Gazetteer, GazetteerPlace
from processors.text_normalization import name_key, straight_apostrophes
from schemas.labels import GeoPoint, Place, Places

KNOWN = {"country": 3.0, "region": 7.4, "department": 7.2, "area": 7.5, "city": 0.0, "commune": 0.0}
"""Points for the kind; countries and towns get the logarithm of their inhabitants on top."""

CAPITAL = 1.0
HOME_COUNTRY = 1.2
ALTERNATE_NAME = -1.5
WRONG_PREPOSITION = -3.0
UNPROVEN = -10.0
IN_BRACKETS = 6.0
COUNTRY_IN_ARTICLE = 1.5
COVERED = 2.5
CERTAIN_MARGIN = 2.0
"""Lead from which a first choice counts as context for the others."""

SPEAKING_DEMONYMS = 2
"""From so many words (« russe », « Russes ») on an article speaks of a country that it does not name."""

TITLE_POINTS, OPENING_POINTS, OPENING_CHARACTERS = 2.0, 1.0, 300
VAGUE_FACTOR = 0.5
"""The publisher's own country and continents say little about where an article plays."""

_BRACKETS = re.compile(r"\s*\(([^()]{2,40})\)")
_DEPARTMENT_CODE = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-46])")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Publication:
    """What is known of the publisher: départements it covers and its country."""

    coverage: tuple[str, ...] = ()
    country: str = "FR"


@dataclass(slots=True)
class _Name:
    """All mentions of one name that the sentence treats alike."""

    words: str
    preposition: str
    brackets: set[str] = field(default_factory=set)
    mentions: list[NamedMention] = field(default_factory=list)
    after_department: bool = False


@dataclass(frozen=True, slots=True)
class FoundPlaces:
    """The places of an article, the one it is mainly about, and the French name for each resolved mention's words."""

    places: Places
    primary: str | None
    names: Mapping[str, str]


class PlaceFinder:
    """The choice between candidates."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    def find(
        self, title: str, text: str, mentions: Iterable[NamedMention], publication: Publication = Publication()
    ) -> FoundPlaces:
        """Resolve the mentions of kind LOC.

        Args:
            title: The title.
            text: The text the mentions' offsets refer to.
            mentions: All names of the article.
            publication: The publisher's départements and country, as a prior.
        """
        names = self._names(straight_apostrophes(title), straight_apostrophes(text), mentions)
        demonyms = self._demonyms(f"{title}\n{text}")
        context = self._certain_countries(names, publication) | {
            c for c, words in demonyms.items() if len(words) >= SPEAKING_DEMONYMS
        }
        chosen: dict[GazetteerPlace, list[_Name]] = {}
        for name in names:
            if (place := self._best(name, publication, context)) is not None:
                chosen.setdefault(place, []).append(name)
        self._add_by_demonym(chosen, demonyms, publication)
        detail = [_place(place, group, demonyms.get(place.country or "", [])) for place, group in chosen.items()]
        order = sorted(range(len(detail)), key=lambda i: -detail[i].count)
        words = {mention.words: place.name for place, group in chosen.items() for n in group for mention in n.mentions}
        return FoundPlaces(_places([detail[i] for i in order]), _primary(chosen, publication), words)

    def _names(self, title: str, text: str, mentions: Iterable[NamedMention]) -> list[_Name]:
        names: dict[tuple[str, str], _Name] = {}
        for mention in mentions:
            if mention.kind != "LOC":
                continue
            source = title if mention.in_title else text
            before, after = source[max(0, mention.start - 40) : mention.start], source[mention.end : mention.end + 45]
            words = self._gazetteer.with_article(mention.words, before) or mention.words
            preposition = _preposition(before)
            name = names.setdefault((name_key(words), preposition), _Name(words, preposition))
            name.mentions.append(mention)
            name.after_department |= bool(re.search(r"département\w* (?:d\w*|de l[ae']|du)? ?$", before))
            if bracket := _BRACKETS.match(after):
                name.brackets.add(bracket.group(1))
            if before.rstrip().endswith("(") and after.startswith(")"):
                name.after_department = True
        return list(names.values())

    def _best(self, name: _Name, publication: Publication, context: set[str]) -> GazetteerPlace | None:
        ranked = self._ranked(name, publication, context)
        return ranked[0][1] if ranked else None

    def _ranked(self, name: _Name, publication: Publication, context: set[str]) -> list[tuple[float, GazetteerPlace]]:
        candidates = self._gazetteer.candidates(name.words)
        scored = [(self._points(c, name, publication, context), c.place) for c in candidates]
        # « le Nord » is a direction unless something speaks for the département: then it is no place at all.
        kept = [(points, place) for points, place in scored if points > 0 or not place.needs_evidence]
        return sorted(kept, key=lambda item: (-item[0], item[1].kind, item[1].name, item[1].country or ""))

    def _points(self, candidate: Candidate, name: _Name, publication: Publication, context: set[str]) -> float:
        place = candidate.place
        points = _fame(place) + (ALTERNATE_NAME if candidate.alternate else 0.0)
        is_town = place.kind in ("city", "commune")
        if name.preposition == ("en" if is_town else "à"):
            points += WRONG_PREPOSITION
        if place.kind == "department" and name.preposition in ("", "de") and not name.after_department:
            points += WRONG_PREPOSITION  # « Vienne, le 3 mai »: a département is not written without its article
        bracketed = self._is_bracketed(place, name)
        covered = place.department is not None and place.department in publication.coverage
        points += IN_BRACKETS * bracketed + COVERED * covered
        points += HOME_COUNTRY * (place.country == publication.country)
        points += COUNTRY_IN_ARTICLE * (place.country in context)
        if place.needs_evidence and not (covered or name.after_department):
            points += UNPROVEN
        return points

    def _is_bracketed(self, place: GazetteerPlace, name: _Name) -> bool:
        """« Saint-Denis (Seine-Saint-Denis) », « Vienne (38) », « Paris (Texas) », « Valence (Espagne) »."""
        for bracket in name.brackets:
            if _DEPARTMENT_CODE.fullmatch(bracket) and place.department == bracket:
                return True
            for candidate in self._gazetteer.candidates(bracket):
                within = candidate.place
                if within.kind == "department" and within.department == place.department and place.department:
                    return place.kind != "department"
                if within.kind in ("country", "region") and within.country == place.country and place.kind == "city":
                    return within.country != "FR" or within.admin == place.admin
        return False

    def _certain_countries(self, names: Sequence[_Name], publication: Publication) -> set[str]:
        """Countries of the places that leave no doubt, without the publisher's own (it is in every article)."""
        found = set()
        for name in names:
            ranked = self._ranked(name, publication, set())
            if ranked and (len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= CERTAIN_MARGIN):
                found.add(ranked[0][1].country)
        return {country for country in found if country and country != publication.country}

    def _demonyms(self, text: str) -> dict[str, list[str]]:
        """Country → the words in the text that speak of it."""
        found: dict[str, list[str]] = {}
        for word in _WORD.findall(text.lower()):
            if country := self._gazetteer.demonyms.get(word):
                found.setdefault(country, []).append(word)
        return found

    def _add_by_demonym(
        self,
        chosen: dict[GazetteerPlace, list[_Name]],
        demonyms: Mapping[str, Sequence[str]],
        publication: Publication,
    ) -> None:
        """A country that two or more words speak of is a place of the article even where it is not named."""
        named = {place.country for place in chosen if place.kind == "country"}
        for country, words in demonyms.items():
            if len(words) < SPEAKING_DEMONYMS or country in named or country == publication.country:
                continue
            if place := self._gazetteer.country(country):
                chosen.setdefault(place, [])


def _preposition(before: str) -> str:
    """How the sentence treats the name: à (town), en (country or region), art (with an article), de, or nothing."""
    if before.endswith(("l'", "L'")):
        return "art"
    word = before.rstrip().rsplit(" ", 1)[-1].lower()
    if word in ("la", "le", "les", "du", "des"):
        return "art"
    if before.endswith("d'"):
        return "de"
    return {"à": "à", "a": "à", "en": "en", "de": "de"}.get(word, "")


def _fame(place: GazetteerPlace) -> float:
    inhabited = place.kind in ("country", "city", "commune")
    size = log10(max(place.population, 1)) if inhabited else 0.0
    return KNOWN[place.kind] + size + (CAPITAL if place.capital else 0.0)


def _place(place: GazetteerPlace, group: Sequence[_Name], demonyms: Sequence[str]) -> Place:
    mentions = [mention for name in group for mention in name.mentions]
    evidence = list(dict.fromkeys(mention.words for mention in mentions))
    if place.kind == "country":
        evidence += [f"demonym:{word}" for word in dict.fromkeys(demonyms)]
    location = None if place.lat is None or place.lon is None else GeoPoint(place.lat, place.lon)
    return Place(
        name=place.name,
        kind=place.kind,
        country=place.country,
        location=location,
        department=place.department,
        count=len(mentions) or len(demonyms),
        evidence=tuple(evidence),
    )


def _places(detail: Sequence[Place]) -> Places:
    return Places(
        name=tuple(dict.fromkeys(place.name for place in detail)),
        location=tuple(dict.fromkeys(place.location for place in detail if place.location)),
        insee=tuple(dict.fromkeys(place.insee for place in detail if place.insee)),
        department=tuple(dict.fromkeys(place.department for place in detail if place.department)),
        country=tuple(dict.fromkeys(place.country for place in detail if place.country)),
        detail=tuple(detail),
    )


def _primary(chosen: Mapping[GazetteerPlace, Sequence[_Name]], publication: Publication) -> str | None:
    """The place with the most weight: mentions, more in the title and in the opening; of equals the first."""
    weights: dict[str, float] = {}
    for place, group in chosen.items():
        vague = place.country is None or (place.kind == "country" and place.country == publication.country)
        for mention in (mention for name in group for mention in name.mentions):
            opening = not mention.in_title and mention.start < OPENING_CHARACTERS
            points = 1.0 + TITLE_POINTS * mention.in_title + OPENING_POINTS * opening
            weights[place.name] = weights.get(place.name, 0.0) + points * (VAGUE_FACTOR if vague else 1.0)
    return max(weights, key=lambda name: weights[name], default=None)

"""The gazetteer: names → places of the world, with what is needed to choose between places of one name.

`lexicons/gazetteer.tsv.gz` is built by `python -m processors.lexicons.build_gazetteer` from the tables beside it and
GeoNames (lexicons/README.md); this module reads its lines and looks names up. Pure: the lines are passed in. Choosing
between candidates is the business of places.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self, get_args

from processors.text_normalization import name_key
from schemas.labels import PlaceKind

_KINDS = frozenset(get_args(PlaceKind))
_ARTICLES = ("le", "la", "les", "l")
FIELDS = ("name", "kind", "country", "lat", "lon", "population", "admin", "department", "flags", "own", "alternates")
"""Columns of a line. `own` and `alternates` are keys joined by |: names from our tables, and GeoNames' alternates."""


@dataclass(frozen=True, slots=True)
class GazetteerPlace:
    """One place. `admin` is a French région's INSEE code or GeoNames' first-level code."""

    name: str
    kind: PlaceKind
    country: str | None
    lat: float | None
    lon: float | None
    population: int
    admin: str | None
    department: str | None
    capital: bool
    needs_evidence: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place a name may mean; `alternate` if only GeoNames' list of alternate names says so."""

    place: GazetteerPlace
    alternate: bool


def _place(fields: Mapping[str, str]) -> GazetteerPlace:
    kind = fields["kind"]
    if kind not in _KINDS:
        raise ValueError(f"unknown kind of place: {kind!r}")
    return GazetteerPlace(
        name=fields["name"],
        kind=kind,  # type: ignore[arg-type]  # checked against the Literal's own values above
        country=fields["country"] or None,
        lat=float(fields["lat"]) if fields["lat"] else None,
        lon=float(fields["lon"]) if fields["lon"] else None,
        population=int(fields["population"] or 0),
        admin=fields["admin"] or None,
        department=fields["department"] or None,
        capital="c" in fields["flags"],
        needs_evidence="=" in fields["flags"],
    )


class Gazetteer:
    """Names looked up, with French articles where texts put them: « au Caire », « du Havre », « l’Île-Rousse »."""

    def __init__(self, candidates: Mapping[str, tuple[Candidate, ...]], demonyms: Mapping[str, str]) -> None:
        self._candidates = candidates
        everything = (candidate.place for found in candidates.values() for candidate in found)
        self._countries = {place.country: place for place in everything if place.kind == "country"}
        self.demonyms = demonyms
        """Demonym in all its forms (small letters) → ISO country; empty where several countries share it."""

    @classmethod
    def from_lines(cls, lines: Iterable[str], demonyms: Mapping[str, str]) -> Self:
        """Read the built table; lines that begin with # are comments.

        Raises:
            ValueError: a line that the build script would not write.
        """
        found: dict[str, list[Candidate]] = {}
        for line in lines:
            if line.startswith("#"):
                continue
            fields = dict(zip(FIELDS, line.rstrip("\n").split("\t"), strict=True))
            place = _place(fields)
            own = {name_key(place.name), *filter(None, fields["own"].split("|"))}
            for key in sorted(own):
                found.setdefault(key, []).append(Candidate(place, alternate=False))
            for key in filter(None, fields["alternates"].split("|")):
                if key not in own:
                    found.setdefault(key, []).append(Candidate(place, alternate=True))
        return cls({key: tuple(candidates) for key, candidates in found.items()}, demonyms)

    def candidates(self, name: str) -> tuple[Candidate, ...]:
        """The places a name may mean, with or without its article; empty if it is not known."""
        key = name_key(name)
        if key in self._candidates:
            return self._candidates[key]
        first, _, rest = key.partition(" ")
        if first in _ARTICLES and rest in self._candidates:
            return self._candidates[rest]
        return ()

    def country(self, code: str) -> GazetteerPlace | None:
        """The country of an ISO code."""
        return self._countries.get(code)

    def with_article(self, name: str, before: str) -> str | None:
        """The full name if the word before the mention is its article: « Caire » after « au » is « Le Caire ».

        Args:
            name: The mention's words.
            before: The text before it, any length.
        """
        word = before.rstrip().rsplit(" ", 1)[-1].rsplit("(", 1)[-1].lower().replace("’", "'")
        article = {"le": "Le", "la": "La", "les": "Les", "au": "Le", "du": "Le", "aux": "Les", "des": "Les"}.get(word)
        if before.endswith(("L'", "l'", "L’", "l’")):
            article = "L'"
        if article is None:
            return None
        full = f"L'{name}" if article == "L'" else f"{article} {name}"
        return full if name_key(full) in self._candidates else None

    def knows(self, name: str) -> bool:
        """Whether the name, exactly or with its article, is in the table."""
        return bool(self.candidates(name))

    def is_prominent(self, name: str, population: int = 100_000) -> bool:
        """Whether the name alone makes most readers think of a place: a country, a capital, a large city."""
        return any(
            not candidate.alternate
            and (
                candidate.place.kind in ("country", "region", "area")
                or candidate.place.capital
                or candidate.place.population >= population
            )
            for candidate in self.candidates(name)
        )

    def is_country(self, name: str) -> bool:
        """Whether the name is a country's."""
        return any(candidate.place.kind == "country" for candidate in self.candidates(name))


def demonym_forms(masculine: str) -> tuple[str, ...]:
    """Masculine and feminine, singular and plural of a demonym; « grec/grecque » gives the feminine outright."""
    base, _, feminine = masculine.partition("/")
    if not feminine:
        feminine = base + ("" if base.endswith("e") else "ne" if base.endswith(("en", "on")) else "e")
    plural = base if base.endswith(("s", "x")) else base + "s"
    return tuple(dict.fromkeys((base, feminine, plural, feminine + "s")))

"""The words that decide what a span is worth, read from lexicons/entity_*.toml and persons.toml.

Pure: parsed tables in, look-ups out. The rules that use them are in entity_repairs.py and person_names.py.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from processors.gazetteer import demonym_forms
from processors.text_normalization import fold, name_key, straight_apostrophes

Gender = Literal["m", "f"]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of the alias table."""

    name: str
    gender: Gender
    bare: frozenset[str]
    """Keys of surnames that stand for this person alone."""


@dataclass(frozen=True)
class PersonLexicon:
    """World-famous names, and given names that tell the gender or that are places too."""

    by_spelling: Mapping[str, KnownPerson]
    by_bare: Mapping[str, KnownPerson]
    also_places: frozenset[str]
    genders: Mapping[str, Gender]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read persons.toml, parsed."""
        by_spelling: dict[str, KnownPerson] = {}
        by_bare: dict[str, KnownPerson] = {}
        for row in table["person"]:
            person = KnownPerson(row["name"], row["gender"], frozenset(map(name_key, row.get("bare", ()))))
            for spelling in [row["name"], *row.get("spellings", ())]:
                by_spelling[name_key(spelling)] = person
            for bare in person.bare:
                by_bare[bare] = person
        given = table["given_names"]
        genders: dict[str, Gender] = {name_key(name): "m" for name in given["masculine"]}
        genders |= {name_key(name): "f" for name in given["feminine"]}
        return cls(by_spelling, by_bare, _keys(given["also_places"]), genders)


@dataclass(frozen=True)
class EntityLexicon:
    """All word lists of entity recognition. Keys are `name_key`s unless said otherwise."""

    not_entities: frozenset[str]
    peoples: frozenset[str]
    honorifics: Mapping[str, str]
    """Folded honorific → m, f or n."""
    organization_heads: frozenset[str]
    geographic_heads: frozenset[str]
    place_frames: frozenset[str]
    events: frozenset[str]
    organizations: frozenset[str]
    unmistakable: re.Pattern[str]
    canonical: Mapping[str, str]
    """Key of any spelling of an organisation or event → its canonical spelling."""
    persons: PersonLexicon
    common_words: frozenset[str]
    """Words that our own texts write small: a capital at a sentence's head makes no name of them."""

    @classmethod
    def from_tables(
        cls,
        words: Mapping[str, Any],
        organizations: Mapping[str, Any],
        persons: Mapping[str, Any],
        country_demonyms: Iterable[str],
        common_words: Iterable[str] = (),
    ) -> Self:
        """Read the parsed tables; `country_demonyms` are forms of the countries' demonyms (places_countries.tsv)."""
        retyped = [*organizations["retyped"]["institutions"], *organizations["retyped"]["newspapers"]]
        exact = organizations["unmistakable"]["names"]
        aliases = organizations["aliases"]
        canonical: dict[str, str] = {}
        for name in [*retyped, *exact]:
            canonical.setdefault(name_key(name), name)
        for name, others in aliases.items():
            canonical |= {name_key(other): name for other in [name, *others]}
        peoples = {fold(form) for word in words["peoples"]["masculine"] for form in demonym_forms(word)}
        return cls(
            not_entities=_keys(words["not_entities"]["words"]),
            peoples=frozenset(map(name_key, peoples | set(map(fold, country_demonyms)))),
            honorifics={fold(word): gender for gender, group in words["honorifics"].items() for word in group},
            organization_heads=_keys(words["organization_heads"]["words"]),
            geographic_heads=_keys(words["geographic_heads"]["words"]),
            place_frames=_keys(words["place_frames"]["words"]),
            events=_keys(words["event_kinds"]["names"]),
            organizations=frozenset(canonical),
            unmistakable=_alternatives(exact),
            canonical=canonical,
            persons=PersonLexicon.from_table(persons),
            common_words=frozenset(common_words),
        )


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(name_key, names))


def _alternatives(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern of whole names by their exact letters, longest first."""
    ordered = sorted({straight_apostrophes(name) for name in names}, key=lambda name: (-len(name), name))
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, ordered)) + r")(?![\w-])")

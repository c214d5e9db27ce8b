"""The names of persons in one article → one full name for each person.

« Trump », « M. Trump » and « D. Trump » are Donald Trump where the article names him in full; two people with one
surname are kept apart, by civility (« Mme Le Pen ») where it tells them, else the bare surname stays itself. A few
people are known by their surname alone (lexicons/persons.toml). Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processors.entity_lexicon import KnownPerson, PersonLexicon
from processors.text_normalization import name_key

_PARTICLES = frozenset(
    {"de", "du", "des", "d", "le", "la", "von", "van", "der", "den", "ben", "bin", "al", "el", "ter"}
)


LONGEST_ACRONYM = 3
"""Longer words in capitals are a surname set in capitals (« Emmanuel MACRON »), shorter ones initials (« MBS »)."""


@dataclass(frozen=True, slots=True)
class PersonMention:
    """A person as written at one place; `gender` is m or f where a civility before the name says so, else empty."""

    words: str
    gender: str = ""


@dataclass(frozen=True, slots=True)
class _Person:
    """One person of the article: the name shown, and the keys under which the article names it in full."""

    name: str
    tokens: tuple[str, ...]
    known: KnownPerson | None


def is_full_name(words: str) -> bool:
    """A given name and a surname; « Le Pen » and « von der Leyen » are surnames."""
    tokens = _tokens(words)
    return len(tokens) > 1 and tokens[0] not in _PARTICLES and len(tokens[0]) > 1


def is_named_by(short: str, full: str) -> bool:
    """Whether the short form can stand for the full name: its surname, its given name, or initial and surname."""
    part, whole = _tokens(short), _tokens(full)
    if not part or (len(part) >= len(whole) and part[0:1] == whole[0:1]):
        return part == whole
    if whole[-len(part) :] == part or part == whole[:1]:
        return True
    return len(part) > 1 and len(part[0]) == 1 and whole[0].startswith(part[0]) and whole[1 - len(part) :] == part[1:]


def canonical_names(mentions: Sequence[PersonMention], lexicon: PersonLexicon) -> list[str]:
    """The full name for each mention, in the same order."""
    persons = _persons(mentions, lexicon)
    spelled = {mention.words: _by_full_name(mention.words, persons) for mention in mentions}
    return [spelled[mention.words] or _by_short_name(mention, persons, lexicon) for mention in mentions]


def _tokens(words: str) -> tuple[str, ...]:
    return tuple(name_key(words).split())


def _persons(mentions: Sequence[PersonMention], lexicon: PersonLexicon) -> dict[tuple[str, str], _Person]:
    """The persons named in full, by given name and surname: « Donald J. Trump » is « Donald Trump »."""
    spellings: dict[tuple[str, str], Counter[str]] = {}
    for mention in mentions:
        if is_full_name(mention.words):
            spellings.setdefault(_ends(mention.words), Counter())[mention.words] += 1
    # A long surname (« Ben Salman », « Mac Lesggy ») that ends another full name is not a person of its own.
    fulls = {ends: names.most_common(1)[0][0] for ends, names in spellings.items()}
    kept = {
        ends: name
        for ends, name in fulls.items()
        if not any(other != ends and _is_tail(name, longer) for other, longer in fulls.items())
    }
    return {ends: _person(name, spellings[ends], lexicon) for ends, name in kept.items()}


def _person(name: str, spellings: Counter[str], lexicon: PersonLexicon) -> _Person:
    known = next((lexicon.by_spelling[name_key(s)] for s in spellings if name_key(s) in lexicon.by_spelling), None)
    shown = known.name if known else _shown(spellings)
    return _Person(shown, _tokens(name), known)


def _shown(spellings: Counter[str]) -> str:
    """The spelling used most, not in capitals where another is there; of equals the one that came first."""
    ordered = [name for name, _ in spellings.most_common()]
    name = next((name for name in ordered if not name.isupper()), ordered[0])
    words = [word.capitalize() if word.isupper() and len(word) > LONGEST_ACRONYM else word for word in name.split()]
    return " ".join(words)


def _ends(words: str) -> tuple[str, str]:
    tokens = _tokens(words)
    return tokens[0], tokens[-1]


def _is_tail(short: str, long: str) -> bool:
    part, whole = _tokens(short), _tokens(long)
    return len(part) < len(whole) and whole[-len(part) :] == part


def _by_full_name(words: str, persons: Mapping[tuple[str, str], _Person]) -> str | None:
    person = persons.get(_ends(words)) if is_full_name(words) else None
    return person.name if person else None


def _by_short_name(mention: PersonMention, persons: Mapping[tuple[str, str], _Person], lexicon: PersonLexicon) -> str:
    key = name_key(mention.words)
    known = lexicon.by_spelling.get(key) or lexicon.by_bare.get(key)
    found = [person for person in persons.values() if is_named_by(mention.words, person.name) or _shares(key, person)]
    if mention.gender:
        found = [person for person in found if _gender(person, lexicon) in ("", mention.gender)]
    if known and mention.gender in ("", known.gender):
        # « Trump » beside « Melania Trump » is the president all the same; « Mme Trump » is not.
        return known.name
    return found[0].name if len(found) == 1 else _shown(Counter([mention.words]))


def _shares(key: str, person: _Person) -> bool:
    """Whether the short form ends the name as this article spells it, which may not be the canonical spelling."""
    part = tuple(key.split())
    return person.tokens[-len(part) :] == part


def _gender(person: _Person, lexicon: PersonLexicon) -> str:
    if person.known:
        return person.known.gender
    return lexicon.genders.get(person.tokens[0]) or _hyphenated_gender(person.name, lexicon)


def _hyphenated_gender(name: str, lexicon: PersonLexicon) -> str:
    """Of « Jean-Marie », « Marie-Pierre »: as a whole, else what the first part says."""
    given = name.split(" ", 1)[0]
    return lexicon.genders.get(name_key(given), lexicon.genders.get(name_key(given.split("-", 1)[0]), ""))

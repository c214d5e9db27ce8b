"""Title and text → the names in them, each with its kind, and → the entities these names stand for.

    paragraph spans of the model ─► entity_repairs (one paragraph) ─► here: one kind and one name for each entity

The paragraph is the unit of recognition (cutting by sentence changes 466 of 5,002 mentions, batching none);
the title is a unit of its own. Which place a name means is told by places.py and comes in as `place_names`. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from processors.entity_lexicon import EntityLexicon
from processors.entity_repairs import EntityRepairs
from processors.gazetteer import Gazetteer
from processors.person_names import PersonMention, canonical_names, is_full_name, is_named_by
from processors.text_normalization import name_key
from schemas.labels import Entities, Entity, EntityKind

_VOTE_ORDER: tuple[EntityKind, ...] = ("PER", "ORG", "LOC", "MISC")
"""Which kind stays where an article's mentions of one name are split evenly."""


@dataclass(frozen=True, slots=True)
class NamedMention:
    """A name in the article. Offsets count from the beginning of the title, or of the text."""

    in_title: bool
    start: int
    end: int
    kind: EntityKind
    words: str
    gender: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """What was read at once: the title or a paragraph, with straight apostrophes, and the model's spans in it."""

    in_title: bool
    offset: int
    text: str
    spans: Sequence[tuple[int, int, str]]


class EntityReader:
    """The rules for names, with the word lists they need."""

    def __init__(self, lexicon: EntityLexicon, gazetteer: Gazetteer) -> None:
        self._lexicon = lexicon
        self._gazetteer = gazetteer
        self._repairs = EntityRepairs(lexicon, gazetteer)

    def mentions(self, units: Iterable[Unit]) -> list[NamedMention]:
        """The names in order, each name of one kind throughout the article."""
        found = [
            NamedMention(
                unit.in_title,
                unit.offset + mention.start,
                unit.offset + mention.end,
                mention.kind,
                " ".join(unit.text[mention.start : mention.end].split()),
                mention.gender,
            )
            for unit in units
            for mention in self._repairs.repaired(unit.spans, unit.text)
        ]
        return self._one_kind_each(self._persons_settled(found))

    def _persons_settled(self, mentions: Sequence[NamedMention]) -> list[NamedMention]:
        """« Washington » alone is the city; beside « Kerry Washington », or as « M. Washington », it is a person."""
        fulls = [m.words for m in mentions if m.kind == "PER" and is_full_name(m.words) and not self._is_place(m.words)]
        settled = []
        for mention in mentions:
            named = any(is_named_by(mention.words, full) for full in fulls)
            if mention.kind == "PER" and not named and not mention.gender and self._is_place(mention.words):
                settled.append(replace(mention, kind="LOC"))
            elif mention.kind in ("LOC", "MISC") and named and not self._gazetteer.is_prominent(mention.words):
                settled.append(replace(mention, kind="PER"))
            else:
                settled.append(mention)
        return settled

    def _is_place(self, words: str) -> bool:
        persons = self._lexicon.persons
        key = name_key(words)
        if key in persons.by_bare or key in persons.by_spelling or key in persons.also_places:
            return False
        return self._gazetteer.is_prominent(words)

    def _one_kind_each(self, mentions: Sequence[NamedMention]) -> list[NamedMention]:
        """The model may call one name a place here and a body there: the majority counts."""
        votes: dict[str, Counter[EntityKind]] = {}
        for mention in mentions:
            votes.setdefault(name_key(mention.words), Counter())[mention.kind] += 1
        chosen = {key: max(_VOTE_ORDER, key=lambda kind: counts[kind]) for key, counts in votes.items()}
        return [replace(mention, kind=chosen[name_key(mention.words)]) for mention in mentions]

    def entities(self, mentions: Sequence[NamedMention], place_names: Mapping[str, str]) -> Entities:
        """The entities of an article, most mentioned first, then in order of appearance.

        Args:
            mentions: As `mentions` returns them.
            place_names: Words of a place's mention → the gazetteer's French name.
        """
        groups: dict[tuple[EntityKind, str], list[NamedMention]] = {}
        for mention, name in zip(mentions, self._names(mentions, place_names), strict=True):
            groups.setdefault((mention.kind, name), []).append(mention)
        detail = tuple(_entity(kind, name, group) for (kind, name), group in groups.items())
        ordered = tuple(sorted(detail, key=lambda entity: -entity.count))
        return Entities(
            person=tuple(entity.name for entity in ordered if entity.kind == "PER"),
            organization=tuple(entity.name for entity in ordered if entity.kind == "ORG"),
            in_title=tuple(dict.fromkeys(entity.name for entity in ordered if entity.in_title)),
            detail=ordered,
        )

    def _names(self, mentions: Sequence[NamedMention], place_names: Mapping[str, str]) -> list[str]:
        """The canonical name of each mention."""
        persons = [mention for mention in mentions if mention.kind == "PER"]
        full = iter(canonical_names([PersonMention(m.words, m.gender) for m in persons], self._lexicon.persons))
        spellings: dict[str, Counter[str]] = {}
        for mention in mentions:
            spellings.setdefault(name_key(mention.words), Counter())[mention.words] += 1
        names = []
        for mention in mentions:
            key = name_key(mention.words)
            if mention.kind == "PER":
                names.append(next(full))
            elif mention.kind == "LOC" and mention.words in place_names:
                names.append(place_names[mention.words])
            else:
                names.append(self._lexicon.canonical.get(key) or spellings[key].most_common(1)[0][0])
        return names


def _entity(kind: EntityKind, name: str, group: Sequence[NamedMention]) -> Entity:
    return Entity(
        name=name,
        kind=kind,
        count=len(group),
        in_title=any(mention.in_title for mention in group),
        mentions=tuple((mention.start, mention.end) for mention in group if not mention.in_title),
    )

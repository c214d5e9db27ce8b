"""Spans as the language model found them → mentions a newspaper reader would mark.

One paragraph at a time and with what stands in that paragraph only; what needs the whole article (full names, one kind
for one name) is done in entities.py. Measured on the quality sets: the raw model has F1 .77 on Le Monde's feed items,
repaired .96 (tests/quality/floors.json). Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from processors.entity_edges import begins_sentence, name_bounds
from processors.entity_lexicon import EntityLexicon
from processors.gazetteer import Gazetteer
from processors.text_normalization import fold, name_key
from schemas.labels import EntityKind

MAX_NAME_WORDS = 12
"""A longer span is not a name but a sentence the model swallowed."""

MAX_TITLE_WORDS = 6
"""A longer passage in quotes is somebody's words, not the title of a work."""

_KINDS: Mapping[str, EntityKind] = {"PER": "PER", "LOC": "LOC", "ORG": "ORG", "MISC": "MISC"}
_NEXT_WORDS = re.compile(r"(?:[ \u00a0-](?:[\w'-]+)){1,4}")
_ACRONYM = re.compile(r"[A-ZÉ]{2,6}\d{0,2}|[A-Z][A-Z&.-]{1,6}[A-Z]")
_COP = re.compile(r"cop ?\d+")
_LINK = re.compile(r" (?:du |de la |de l'|des |de |d')")
_LOWER_HEAD = re.compile(r"([a-zéèêàâîôûç][\w'-]*)(?: [a-z][\w'-]*)* (?:de la |de l'|du |des |de |d')?(?=[A-ZÉÈÎÂÔ])")
_FULL_NAME_WORDS = range(2, 4)
_SHOUTED = 8
"""Longer words all in capitals are headings, shorter ones may be acronyms."""

_CAPITAL_ARTICLE = re.compile(r"(?:Le |La |Les |L')(?=[A-ZÉÈÎÂÔ])")
_NOT_SPLIT = frozenset({"Autriche-Hongrie"})


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A name in a paragraph (later: in the article). Offsets are code points, `end` exclusive."""

    start: int
    end: int
    kind: EntityKind
    gender: str = ""
    """m or f if an honorific that was cut says so."""


class EntityRepairs:
    """The repairs, with the word lists they need."""

    def __init__(self, lexicon: EntityLexicon, gazetteer: Gazetteer) -> None:
        self._lexicon = lexicon
        self._gazetteer = gazetteer

    def repaired(self, spans: Sequence[tuple[int, int, str]], text: str) -> list[Mention]:
        """The mentions of one paragraph, in order and without overlap.

        Args:
            spans: (start, end, label) as the model gives them.
            text: The paragraph with straight apostrophes.
        """
        mentions = [Mention(start, end, _KINDS[label]) for start, end, label in spans if label in _KINDS]
        mentions = [part for mention in mentions for part in self._split(mention, text)]
        mentions = [self._trimmed(mention, text) for mention in mentions]
        mentions = [self._extended(mention, text) for mention in self._joined(mentions, text)]
        mentions += [Mention(m.start(), m.end(), "ORG") for m in self._lexicon.unmistakable.finditer(text)]
        typed = [self._typed(mention, text) for mention in without_overlap(mentions)]
        return [mention for mention in typed if self._is_name(mention, text)]

    def _split(self, mention: Mention, text: str) -> Iterator[Mention]:
        """« Mexique-Pologne », « Russie/Ukraine »: two countries with a hyphen are two places, a match or a treaty."""
        words = text[mention.start : mention.end]
        if words in _NOT_SPLIT:
            yield mention
            return
        for separator in ("-", "–", "/"):
            left, found, right = words.partition(separator)
            if found and self._gazetteer.is_country(left.strip()) and self._gazetteer.is_country(right.strip()):
                middle = mention.start + len(left)
                yield replace(mention, end=middle, kind="LOC")
                yield replace(mention, start=middle + 1, kind="LOC")
                return
        yield mention

    def _trimmed(self, mention: Mention, text: str) -> Mention:
        """Without quotes, punctuation, leading articles (« la France »; not « La Rochelle ») and honorifics."""
        start, end = name_bounds(text, mention.start, mention.end)
        start += self._needless_article(text[start:end])
        gender = mention.gender
        if self._is_framed_place(mention.kind, text[start:end]):
            start += _LOWER_HEAD.match(text[start:end]).end()  # type: ignore[union-attr]  # it matched just now
            return Mention(start, end, "LOC")
        while cut := self._honorific(text[start:end]):
            start, gender = start + cut[0], cut[1] or gender
        return replace(mention, start=start, end=end, gender=gender)

    def _needless_article(self, words: str) -> int:
        """Length of a capitalised article that is the sentence's, not the name's: « La Chine », not « La Haye »."""
        article = _CAPITAL_ARTICLE.match(words)
        if article is None or self._is_whole_name(words):
            return 0
        rest = words[article.end() :]
        known = self._gazetteer.knows(rest) or name_key(rest) in self._lexicon.organizations
        return article.end() if known else 0

    def _is_whole_name(self, words: str) -> bool:
        """Whether the words with their article are a name of the lists: « Le Monde », « La Haye ».

        « La Croix-Rouge » is a hamlet too, but a body without its article.
        """
        key, bare = name_key(words), name_key(words.replace("'", " ").partition(" ")[2])
        if key in self._lexicon.organizations or bare in self._lexicon.organizations:
            return key in self._lexicon.organizations
        return any(name_key(candidate.place.name) == key for candidate in self._gazetteer.candidates(words))

    def _is_framed_place(self, kind: EntityKind, words: str) -> bool:
        """« bataille de Kherson »: the name is Kherson; « mer Noire », « traité de Lisbonne »: all of it is."""
        match = _LOWER_HEAD.match(words)
        if match is None or kind not in ("LOC", "MISC"):
            return False
        head = name_key(match.group(1))
        framed = head in self._lexicon.place_frames if kind == "MISC" else head not in self._lexicon.geographic_heads
        return framed and self._gazetteer.knows(words[match.end() :])

    def _honorific(self, words: str) -> tuple[int, str] | None:
        """How many characters to cut, and the gender they tell (empty: none)."""
        first, space, rest = words.partition(" ")
        if first in ("Madame", "Monsieur") and rest.startswith(("de ", "d'")):
            return None  # « Madame de Sévigné » is a name, « Mme de Montchalin » a civility
        title = self._lexicon.honorifics.get(fold(first))
        if not space or title is None:
            return None
        # « Père Lachaise », « Prince Harry »: only what is written as a title, or a civility, is one.
        if first[0].isupper() and not first.endswith(".") and title == "n" and first not in ("Me", "Dr", "Pr"):
            return None
        return len(first) + 1, title if title != "n" else ""

    def _joined(self, mentions: Sequence[Mention], text: str) -> list[Mention]:
        """« Parti des travailleurs » + « Kurdistan » is one party; « Comité d’organisation des » + « Jeux » too."""
        joined: list[Mention] = []
        for mention in mentions:
            if joined and self._belongs_together(joined[-1], mention, text):
                joined[-1] = replace(joined[-1], end=mention.end, kind="ORG")
            else:
                joined.append(mention)
        return joined

    def _belongs_together(self, first: Mention, second: Mention, text: str) -> bool:
        words, between = text[first.start : first.end], text[first.end : second.start]
        if "PER" in (first.kind, second.kind):
            return False
        if first.kind != "LOC" and between == " " and words.rsplit(" ", 1)[-1] in ("de", "du", "des"):
            return True
        head = name_key(words.split(" ", 1)[0])
        return " " in words and head in self._lexicon.organization_heads and bool(_LINK.fullmatch(between))

    def _extended(self, mention: Mention, text: str) -> Mention:
        """To the longest name of the gazetteer that begins here (« Amérique » → « Amérique latine »), and to the
        article that is part of it (« Le Monde », « Le Caire »).
        """
        start, end = mention.start, mention.end
        if mention.kind in ("LOC", "ORG", "MISC") and (after := _NEXT_WORDS.match(text, end)):
            end = self._longest_known(text, start, end, after.end())
        full = self._capital_article(text, start, end)
        return replace(mention, start=full, end=end)

    def _longest_known(self, text: str, start: int, end: int, limit: int) -> int:
        stops = [i for i in range(end + 1, limit + 1) if i == len(text) or not (text[i].isalnum() or text[i] in "'-")]
        for stop in reversed(stops):
            name = text[start:stop]
            if not name[-1].isalnum():
                continue
            if self._gazetteer.is_prominent(name) or name_key(name) in self._lexicon.organizations:
                return stop
        return end

    def _capital_article(self, text: str, start: int, end: int) -> int:
        """Where the name begins if the capitalised article before it belongs to it."""
        for article in ("Le ", "La ", "Les ", "L'"):
            begin = start - len(article)
            if begin < 0 or text[begin:start] != article:
                continue
            if self._is_whole_name(text[begin:end]):
                return begin
        return start

    def _typed(self, mention: Mention, text: str) -> Mention:
        """With the kind the word lists know better: newspapers and institutions, events, famous persons, acronyms."""
        words = text[mention.start : mention.end]
        key = name_key(words)
        if (key in self._lexicon.events or _COP.fullmatch(key)) and not self._is_place(mention, words):
            return replace(mention, kind="MISC")
        if key in self._lexicon.organizations:
            return replace(mention, kind="ORG")
        if key in self._lexicon.persons.by_bare or key in self._lexicon.persons.by_spelling:
            return replace(mention, kind="PER")
        if mention.kind in ("LOC", "PER") and _ACRONYM.fullmatch(words) and not self._gazetteer.knows(words):
            return replace(mention, kind="ORG")
        if mention.kind in ("ORG", "MISC") and self._gazetteer.is_country(words):
            return replace(mention, kind="LOC")
        if mention.kind != "PER" and self._has_given_name(words):
            return replace(mention, kind="PER")
        if mention.kind in ("ORG", "LOC") and not self._gazetteer.knows(words) and _is_quoted_title(mention, text):
            return replace(mention, kind="MISC")
        return mention

    def _has_given_name(self, words: str) -> bool:
        """« Céline Pigalle »: two or three capitalised words, of which the first is a frequent given name."""
        parts = words.split()
        if len(parts) not in _FULL_NAME_WORDS or not all(part[0].isupper() for part in parts):
            return False
        return name_key(parts[0]) in self._lexicon.persons.genders and not self._gazetteer.knows(words)

    def _is_place(self, mention: Mention, words: str) -> bool:
        return mention.kind == "LOC" and self._gazetteer.knows(words)

    def _is_name(self, mention: Mention, text: str) -> bool:
        """Whether a name is left: not a compass point, a people, a bare title, a common noun at a headline's head."""
        words = text[mention.start : mention.end]
        key = name_key(words)
        if not key or not any(c.isalpha() for c in words) or len(words.split()) > MAX_NAME_WORDS:
            return False
        if key in self._lexicon.not_entities:
            return self._is_bracketed_place(mention, text)
        if mention.kind != "PER" and key in self._lexicon.peoples and not self._gazetteer.is_prominent(words):
            return False
        if self._is_heading(words) or self._is_common_noun(mention, text):
            return False
        return len(words) > 1 and (not words[0].islower() or self._may_begin_small(mention, words))

    def _is_heading(self, words: str) -> bool:
        known = name_key(words) in self._lexicon.organizations or self._gazetteer.knows(words)
        return words.isupper() and len(words) > _SHOUTED and not known

    def _is_common_noun(self, mention: Mention, text: str) -> bool:
        """« Missile intercepté »: one word at a sentence's head that our texts write small, and no list knows."""
        words = text[mention.start : mention.end]
        if " " in words or words.lower() not in self._lexicon.common_words:
            return False
        if name_key(words) in self._lexicon.organizations or self._gazetteer.is_prominent(words, 20_000):
            return False
        return begins_sentence(text, mention.start)

    def _is_bracketed_place(self, mention: Mention, text: str) -> bool:
        """« Douai (Nord) » names the département, « le Nord » alone a direction."""
        in_brackets = text[: mention.start].endswith("(") and text[mention.end :].startswith(")")
        return in_brackets and self._gazetteer.knows(text[mention.start : mention.end])

    def _may_begin_small(self, mention: Mention, words: str) -> bool:
        """A name begins with a capital, but for particles, landscapes and bodies that are written small."""
        head, has_capital = name_key(words.split(" ", 1)[0]), any(c.isupper() for c in words)
        if mention.kind == "PER":
            return " " in words
        if mention.kind == "LOC":
            return has_capital and head in self._lexicon.geographic_heads
        named = has_capital and head in self._lexicon.organization_heads
        return mention.kind == "ORG" and (named or name_key(words) in self._lexicon.organizations)


def _is_quoted_title(mention: Mention, text: str) -> bool:
    """Whether a few words in quotes begin here, as the titles of films, books and songs do."""
    if text[: mention.start].rstrip(" \u00a0\u202f")[-1:] not in ("«", "“"):
        return False
    closing = min((i for i in (text.find(mark, mention.end) for mark in "»”") if i >= 0), default=-1)
    return closing >= 0 and len(text[mention.start : closing].split()) <= MAX_TITLE_WORDS


def without_overlap(mentions: Sequence[Mention]) -> list[Mention]:
    """In order of place; where two overlap the longer stays, of equals the one that was listed first."""
    chosen: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: m.start - m.end):
        if mention.start < mention.end and all(m.end <= mention.start or mention.end <= m.start for m in chosen):
            chosen.append(mention)
    return sorted(chosen)

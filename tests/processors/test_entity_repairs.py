from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.entity_repairs import EntityRepairs, Mention, without_overlap
from processors.models import Lexicons


def repaired(lexicons: Lexicons, text: str, *spans: tuple[str, str]) -> list[tuple[str, str]]:
    """(words, kind) after the repair of spans given by their words."""
    placed = [(text.index(words), text.index(words) + len(words), kind) for words, kind in spans]
    mentions = EntityRepairs(lexicons.entities, lexicons.gazetteer).repaired(placed, text)
    return [(text[m.start : m.end], m.kind) for m in mentions]


@pytest.mark.parametrize(
    "words", ["Etat", "République", "Etats membres", "Ouest", "Français", "Ukrainienne", "Kurdes", "Covid-19"]
)
def test_false_places_are_dropped(lexicons: Lexicons, words: str) -> None:
    assert repaired(lexicons, f"Selon {words} hier.", (words, "LOC")) == []


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("dans toute la France", ("la France", "LOC"), [("France", "LOC")]),
        ("La Chine répond", ("La Chine", "LOC"), [("Chine", "LOC")]),
        ("dit La Rochelle", ("La Rochelle", "LOC"), [("La Rochelle", "LOC")]),
        ("selon Le Monde daté", ("Monde", "MISC"), [("Le Monde", "ORG")]),
        ("en Amérique latine", ("Amérique", "LOC"), [("Amérique latine", "LOC")]),
        ("le Kremlin dit", ("Kremlin", "LOC"), [("Kremlin", "ORG")]),
        ("la COP27 finit", ("COP27", "ORG"), [("COP27", "MISC")]),
        ("la foire FIABC", ("FIABC", "LOC"), [("FIABC", "ORG")]),
        ("dans la bataille de Kherson", ("bataille de Kherson", "MISC"), [("Kherson", "LOC")]),
        ("sur la mer Noire", ("mer Noire", "LOC"), [("mer Noire", "LOC")]),
        ("dit M. Erdogan", ("M. Erdogan", "LOC"), [("Erdogan", "PER")]),
        ("selon Céline Pigalard", ("Céline Pigalard", "LOC"), [("Céline Pigalard", "PER")]),
        ("dans « Les Vagues »", ("Les Vagues", "ORG"), [("Les Vagues", "MISC")]),
        ("Smartphones : trop chers", ("Smartphones", "MISC"), []),
        ("à Douai (Nord)", ("Nord", "LOC"), [("Nord", "LOC")]),
        ("en Corse", ("Corse", "LOC"), [("Corse", "LOC")]),
        ("La Croix-Rouge aide", ("La Croix-Rouge", "LOC"), [("Croix-Rouge", "ORG")]),
    ],
)
def test_a_span_is_repaired(
    lexicons: Lexicons, text: str, span: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    assert repaired(lexicons, text, span) == expected


def test_two_countries_with_a_hyphen_are_two_places(lexicons: Lexicons) -> None:
    found = repaired(lexicons, "Mexique-Pologne en direct", ("Mexique-Pologne", "LOC"))
    assert found == [("Mexique", "LOC"), ("Pologne", "LOC")]
    assert repaired(lexicons, "l'Autriche-Hongrie", ("Autriche-Hongrie", "LOC")) == [("Autriche-Hongrie", "LOC")]


def test_a_body_goes_on_after_its_preposition(lexicons: Lexicons) -> None:
    text = "le Parti des travailleurs du Kurdistan (PKK)"
    spans = (("Parti des travailleurs", "ORG"), ("Kurdistan", "LOC"), ("PKK", "ORG"))
    assert repaired(lexicons, text, *spans) == [("Parti des travailleurs du Kurdistan", "ORG"), ("PKK", "ORG")]


def test_unmistakable_names_are_found_without_the_model(lexicons: Lexicons) -> None:
    assert repaired(lexicons, "Danone et l’Otan".replace("’", "'")) == [("Danone", "ORG"), ("Otan", "ORG")]
    assert repaired(lexicons, "les Danoniens") == []


def test_a_civility_is_cut_and_its_gender_kept(lexicons: Lexicons) -> None:
    text = "selon Mme de Montbrun"
    mentions = EntityRepairs(lexicons.entities, lexicons.gazetteer).repaired([(6, len(text), "PER")], text)
    assert mentions == [Mention(10, len(text), "PER", "f")]


MENTIONS = st.builds(lambda start, length: Mention(start, start + length, "LOC"), st.integers(0, 30), st.integers(0, 8))


@given(st.lists(MENTIONS))
def test_no_two_mentions_overlap(mentions: list[Mention]) -> None:
    chosen = without_overlap(mentions)
    assert chosen == sorted(chosen)
    assert all(one.end <= other.start for one, other in pairwise(chosen))
    assert set(chosen) <= set(mentions)

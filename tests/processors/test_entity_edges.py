import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.entity_edges import begins_sentence, name_bounds


@pytest.mark.parametrize(
    ("span", "name"),
    [
        ("la France", "France"),
        ("l'Élysée,", "Élysée"),
        ("« Paris »", "Paris"),
        ("8h35 - Volvo", "Volvo"),
        ("Conseil d'Etat et de la", "Conseil d'Etat"),
        ("Maison de la radio dans la soirée", "Maison de la radio"),
        ("Louis C.K.", "Louis C.K."),
        ("Nouvelle fenêtre)avait", "Nouvelle fenêtre"),
        ("LE POINT - «Nous avons", "LE POINT"),
        ("Georgie (Etats-Unis)", "Georgie (Etats-Unis)"),
        ("La Rochelle", "La Rochelle"),
        ("«", ""),
    ],
)
def test_what_is_left_of_a_span(span: str, name: str) -> None:
    start, end = name_bounds(span, 0, len(span))
    assert span[start:end] == name


@given(st.text(alphabet=st.sampled_from("aA le«»\"'.()-h8 ")), st.integers(0, 20), st.integers(0, 20))
def test_bounds_stay_within_the_span(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    begin, stop = name_bounds(text, start, end)
    assert start <= begin <= stop <= end


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [("Presse", 0, True), ("Fin. Presse", 5, True), ("« Presse", 2, True), ("la Presse", 3, False)],
)
def test_where_sentences_begin(text: str, start: int, expected: bool) -> None:
    assert begins_sentence(text, start) is expected

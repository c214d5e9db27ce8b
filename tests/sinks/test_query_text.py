"""What was typed is taken apart into words, names and phrases."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.query_text import QueryText, query_text


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        pytest.param("sommet Poutine", QueryText("sommet Poutine", "sommet Poutine"), id="words"),
        pytest.param("", QueryText(), id="nothing"),
        pytest.param("Le Pen", QueryText("Le Pen", "", names=("Le Pen",)), id="a name with its article"),
        pytest.param("LA POSTE", QueryText("LA POSTE", "", names=("LA POSTE",)), id="a name in capitals"),
        pytest.param(
            "grève à La Réunion", QueryText("grève à La Réunion", "grève à", names=("La Réunion",)), id="among words"
        ),
        pytest.param("Les élections", QueryText("les élections", "les élections"), id="a sentence's beginning"),
        pytest.param("Elle", QueryText("Elle", "Elle"), id="a magazine"),
        pytest.param(
            "« accord de principe »", QueryText(phrases=("accord de principe",)), id="a phrase in French quotes"
        ),
        pytest.param(
            'Kiev "accord de principe" “cessez-le-feu”',
            QueryText("Kiev", "Kiev", phrases=("accord de principe", "cessez-le-feu")),
            id="phrases among words",
        ),
        pytest.param('"', QueryText(), id="half a quote"),
        pytest.param('""  « »', QueryText(), id="empty phrases"),
        pytest.param(unicodedata.normalize("NFD", "été"), QueryText("été", "été"), id="composed accents"),
    ],
)
def test_taken_apart(typed: str, taken: QueryText) -> None:
    assert query_text(typed) == taken


@given(st.text())
def test_anything_can_be_typed(typed: str) -> None:
    taken = query_text(typed)
    assert sorted(taken.words.split()) == sorted([*taken.loose.split(), *" ".join(taken.names).split()])

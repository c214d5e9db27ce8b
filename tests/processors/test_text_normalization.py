import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.text_normalization import fold, name_key, paragraphs, straight_apostrophes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Saint-Étienne", "St Etienne"),
        ("SAINTE-SOLINE", "Ste Soline"),
        ("O.N.U.", "ONU"),
        ("Côte d’Ivoire", "cote d'ivoire"),
        ("Île-de-France", "Ile de France"),
        ("Mykolaïv", "Mykolaiv"),
        ("Schœlcher", "Schoelcher"),
    ],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_different_names_do_not_share_a_key() -> None:
    assert len({name_key(name) for name in ("Bretagne", "Grande-Bretagne", "Bretagnes")}) == 3


@given(st.text())
def test_straight_apostrophes_keep_every_offset(text: str) -> None:
    assert len(straight_apostrophes(text)) == len(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.sampled_from("aé’'\n . «»-")))
def test_paragraphs_are_where_they_say(text: str) -> None:
    found = list(paragraphs(text))
    assert all(text[offset : offset + len(line)] == line and line.strip() for offset, line in found)
    assert "".join(line.strip() for _, line in found).replace(" ", "") == "".join(text.split())


def test_paragraphs_without_words_are_left_out() -> None:
    assert list(paragraphs("Un.\n\n  \nDeux.")) == [(0, "Un."), (8, "Deux.")]

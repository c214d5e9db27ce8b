import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.models import Lexicons
from processors.person_names import PersonMention, canonical_names, is_full_name, is_named_by

NAMES = [
    "Trump",
    "Donald Trump",
    "Melania Trump",
    "Marine Le Pen",
    "Le Pen",
    "J. Doriot",
    "Jean Doriot",
    "Doriot",
    "Jean",
]


def names(lexicons: Lexicons, *mentions: str) -> list[str]:
    """Canonical names; « M. X » and « Mme X » give the gender."""
    split = {"M.": "m", "Mme": "f"}
    parts = [
        (m.partition(" ")[2], split[m.partition(" ")[0]]) if m.partition(" ")[0] in split else (m, "") for m in mentions
    ]
    return canonical_names([PersonMention(words, gender) for words, gender in parts], lexicons.entities.persons)


def test_surname_given_name_and_initial_are_one_person(lexicons: Lexicons) -> None:
    found = names(lexicons, "Étienne Valmont", "Valmont", "M. Valmont", "É. Valmont", "Étienne", "Etienne VALMONT")
    assert found == ["Étienne Valmont"] * 6


def test_the_surname_may_come_first_and_have_several_words(lexicons: Lexicons) -> None:
    assert names(lexicons, "Le Braz", "Anne-Laure Le Braz", "Mme Le Braz") == ["Anne-Laure Le Braz"] * 3


def test_two_people_with_one_surname_are_kept_apart(lexicons: Lexicons) -> None:
    found = names(lexicons, "Marie Castel", "Philippe Castel", "Mme Castel", "M. Castel", "Castel")
    assert found == ["Marie Castel", "Philippe Castel", "Marie Castel", "Philippe Castel", "Castel"]


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        (("Poutine",), ["Vladimir Poutine"]),
        (("Volodymyr Zelenskyy", "Zelensky"), ["Volodymyr Zelensky"] * 2),
        (("Donald J. Trump", "Trump"), ["Donald Trump"] * 2),
        (("Melania Trump", "Trump"), ["Melania Trump", "Donald Trump"]),
        (("Melania Trump", "Mme Trump"), ["Melania Trump", "Melania Trump"]),
        (("Mme Trump",), ["Trump"]),
        (("Benjamin Netanyahu", "Nétanyahou"), ["Benyamin Netanyahou"] * 2),
        (("Durand",), ["Durand"]),
        (("Emmanuel MACRON",), ["Emmanuel Macron"]),
    ],
)
def test_people_known_by_their_surname(lexicons: Lexicons, mentions: tuple[str, ...], expected: list[str]) -> None:
    assert names(lexicons, *mentions) == expected


@pytest.mark.parametrize(
    ("words", "full"), [("Le Pen", False), ("von der Leyen", False), ("Anne Roy", True), ("A. Roy", False)]
)
def test_what_a_full_name_is(words: str, full: bool) -> None:
    assert is_full_name(words) is full


def test_a_surname_within_a_longer_word_is_not_the_same(lexicons: Lexicons) -> None:
    assert not is_named_by("Valmont", "Étienne Valmontois")
    assert names(lexicons, "Étienne Valmontois", "Valmont") == ["Étienne Valmontois", "Valmont"]


@given(data=st.data())
def test_the_names_do_not_depend_on_the_order_of_distinct_mentions(lexicons: Lexicons, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(NAMES), unique=True))
    shuffled = data.draw(st.permutations(chosen))
    assert dict(zip(chosen, names(lexicons, *chosen), strict=True)) == dict(
        zip(shuffled, names(lexicons, *shuffled), strict=True)
    )

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.lexicon_matcher import LexiconMatcher, Term, stem, stems

MATCHER = LexiconMatcher.from_codes(
    {
        "16": {"guerre": 2, "cessez-le-feu": 2, "guerre en Ukraine": 3},
        "11": {"journal officiel": 2, "guerre": 1},
        "15": {"finales": 1},
    }
)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("journaux", "journal"), ("eaux", "eau"), ("prix", "pri"), ("bas", "bas"), ("grèves", "grève"), ("feu", "feu")],
)
def test_plural_endings_go(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_case_accents_elision_and_plural_do_not_matter() -> None:
    assert stems("L’ÉCOLE et les écoles") == ["ecole", "et", "les", "ecole"]


def test_the_longest_term_counts_and_its_parts_do_not() -> None:
    found = MATCHER.count(stems("La guerre en Ukraine, la guerre, le cessez-le-feu"))
    assert {MATCHER.term(key).text: hits for key, hits in found.items()} == {
        "guerre en Ukraine": 1,
        "guerre": 1,
        "cessez-le-feu": 1,
    }


def test_a_term_of_two_codes_keeps_both_weights() -> None:
    assert MATCHER.term(("guerre",)) == Term("guerre", {"16": 2, "11": 1})


def test_a_text_that_is_a_term_is_in_the_lexicon() -> None:
    assert "Finale" in MATCHER
    assert "finale de coupe" not in MATCHER


@given(st.lists(st.sampled_from(["guerre", "en", "ukraine", "journal", "officiel", "feu"])))
def test_terms_never_cover_more_words_than_there_are(words: list[str]) -> None:
    assert sum(len(key) * hits for key, hits in MATCHER.count(words).items()) <= len(words)

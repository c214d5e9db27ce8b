import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import plain_text


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("Prix < 5 € et > 3", "Prix < 5 € et > 3"),
        ("un <script>alert(1)</script>mot", "un mot"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;fin", "fin"),
        ("l&amp;#039;été &amp;amp; l&rsquo;hiver", "l'été & l’hiver"),
        ("A &amp; B", "A & B"),
        ("un\n\tdeux", "un deux"),
        ("«\u00a0mot\u00a0» : 5\u202f%", "«\u00a0mot\u00a0» : 5\u202f%"),
        ("e\u0301te\u0301", "été"),
        ("a\x00b\u200bc\ufeff", "abc"),
        ("<p>un</p><p>deux</p>", "un deux"),
        (None, ""),
    ],
)
def test_line(given_text: str | None, expected: str) -> None:
    assert plain_text.line(given_text) == expected


def test_paragraphs_keep_the_breaks_of_the_markup() -> None:
    assert plain_text.paragraphs("<p>Un <em>mot</em>.</p>\n<p>Deux<br/>trois</p><ul><li>x</li></ul>") == (
        "Un mot.\nDeux\ntrois\nx"
    )


@given(st.text(max_size=300))
def test_nothing_that_a_browser_would_run_survives(text: str) -> None:
    for cleaned in (plain_text.line(text), plain_text.paragraphs(f"<div>{text}</div>")):
        assert "<script" not in cleaned.lower()
        assert not any(ord(character) < 32 and character != "\n" for character in cleaned)


@given(st.text(max_size=200), st.integers(2, 50))
def test_shortened_is_short_and_a_beginning(text: str, limit: int) -> None:
    short = plain_text.shortened(text, limit)
    assert len(short) <= limit
    assert text.startswith(short.removesuffix("…")) or short == text


@given(st.text(max_size=200), st.integers(0, 100))
def test_within_bytes_is_a_beginning(text: str, limit: int) -> None:
    cut = plain_text.within_bytes(text, limit)
    assert text.startswith(cut)
    assert len(cut.encode()) <= limit

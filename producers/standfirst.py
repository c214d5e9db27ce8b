"""Which texts of a page are its standfirst, set apart from the article's paragraphs by the markup. Pure.

Many pages make their description of the first paragraph, which belongs to the text; others print a standfirst of its
own above it. What tells them apart is whether the element stands among the paragraphs.
"""

import re
from collections.abc import Iterable
from typing import Final

from lxml.html import HtmlElement

from producers import plain_text

_MARKED: Final = (
    "//*[contains(@class,'chapo') or contains(@class,'standfirst') or contains(@class,'article__desc') or "
    "contains(@class,'lead-text') or contains(@class,'article-intro') or @itemprop='description']"
)
_ELEMENTS: Final = ("p", "h2", "h3", "div", "span", "strong")
_PARAGRAPH_CHARACTERS: Final = 80
_SIBLINGS: Final = 2
_MAX_MARKED: Final = 4
_WORDS: Final = re.compile(r"[^\W_]+")


def set_apart(root: HtmlElement, claimed: Iterable[str]) -> tuple[str, ...]:
    """Texts that the page prints as its standfirst.

    Args:
        root: the page.
        claimed: descriptions of head and JSON-LD: printed alone above the article, they are the standfirst.
    """
    marked = [plain_text.line(str(element.text_content())) for element in root.xpath(_MARKED)[:_MAX_MARKED]]
    wanted = {_words(text): text for text in claimed if text}
    found = []
    for element in root.iter(*_ELEMENTS):
        if len(element) > _MAX_MARKED or not wanted:
            continue
        text = _words(str(element.text_content()))
        if text in wanted and not _stands_among_paragraphs(element, text):
            found.append(wanted.pop(text))
    return (*marked, *found)


def _stands_among_paragraphs(element: HtmlElement, text: str) -> bool:
    parent = element.getparent()
    while parent is not None and _words(str(parent.text_content())) == text:
        element, parent = parent, parent.getparent()
    if parent is None:
        return False
    long = [
        sibling
        for sibling in parent.iterchildren("p")
        if sibling is not element and len(str(sibling.text_content())) >= _PARAGRAPH_CHARACTERS
    ]
    return len(long) >= _SIBLINGS


def _words(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))

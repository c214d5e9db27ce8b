"""HTML fragments of feeds and pages -> plain text. No markup, script or control character survives.

Feeds escape once, twice or not at all, so text is unescaped and stripped until it stays the same (at most three times).
`<` that opens no tag (`Prix < 5 €`) is text and stays. Non-breaking spaces stay: they are French typography.
"""

import html
import re
import unicodedata
from typing import Final

from lxml import etree
from lxml import html as lxml_html

_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|<!\[CDATA\[", re.DOTALL)
_ENTITY: Final = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\u200b\ufffe\uffff\ud800-\udfff]")
_SPACES: Final = re.compile(r"[ \t\r\n\f\v\u2028\u2029]+")
_INLINE_SPACES: Final = re.compile(r"[ \t\r\f\v]+")
_BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "h1"}
    | {"h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td"}
    | {"th", "tr", "ul"}
)
_DROPPED: Final = ("script", "style", "noscript", "template", "iframe", "object", "svg", "form", "button")
_PASSES: Final = 3


def line(text: str | None, limit: int | None = None) -> str:
    """A title, name or other single line: markup and line breaks removed, NFC.

    Args:
        text: HTML or plain text.
        limit: most characters kept; a longer line is cut at a word and ends in an ellipsis.
    """
    if not text:
        return ""
    flat = _SPACES.sub(" ", _bare(text[: 10 * limit] if limit else text)).strip()
    return shortened(flat, limit) if limit else flat


def paragraphs(text: str | None) -> str:
    """A longer text: markup removed, paragraphs separated by single newlines, NFC."""
    if not text:
        return ""
    lines = (_INLINE_SPACES.sub(" ", part).strip() for part in _bare(text).splitlines())
    return "\n".join(part for part in lines if part)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a space where one is near."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip() + "…"


def within_bytes(text: str, limit: int) -> str:
    """The longest beginning of a text with at most `limit` UTF-8 bytes, whole paragraphs where possible."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    cut = raw[:limit].decode(errors="ignore")
    end = cut.rfind("\n")
    return cut[:end] if end > len(cut) // 2 else cut


def _bare(text: str) -> str:
    for _ in range(_PASSES):
        before = text
        if _TAG.search(text):
            text = _without_tags(text)
        if _ENTITY.search(text):
            text = html.unescape(text)
        if text == before:
            break
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def _without_tags(text: str) -> str:
    try:
        root = lxml_html.fragment_fromstring(_CONTROL.sub("", text), create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return _TAG.sub(" ", text)
    etree.strip_elements(root, *_DROPPED, etree.Comment, etree.ProcessingInstruction, with_tail=False)
    for element in root.iter():
        if element.tag in _BLOCKS:
            element.tail = "\n" + (element.tail or "")
            element.text = "\n" + (element.text or "") if element.tag != "br" else element.text
    return str(root.text_content())

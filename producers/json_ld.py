"""schema.org data in a page -> what it says of the article. Broken JSON is repaired where one can, else ignored.

Only the node of *this* page's article counts: lists of related articles carry the same types.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from producers import plain_text

_ARTICLE_TYPES: Final = frozenset(
    {
        "article",
        "newsarticle",
        "reportagenewsarticle",
        "analysisnewsarticle",
        "opinionnewsarticle",
        "askpublicnewsarticle",
    }
    | {"backgroundnewsarticle", "reviewnewsarticle", "advertisercontentarticle", "satiricalarticle", "liveblogposting"}
    | {"blogposting", "socialmediaposting", "techarticle", "report", "scholarlyarticle", "review"}
)
_NESTED: Final = ("@graph", "mainEntity", "itemListElement", "item")
_MAX_DEPTH: Final = 6
_TRAILING_COMMA: Final = re.compile(r",(\s*[}\]])")
_WRAPPING: Final = re.compile(
    r"^\s*(?:<!--|//<!\[CDATA\[|/\*<!\[CDATA\[\*/|<!\[CDATA\[)|(?:-->|//\]\]>|/\*\]\]>\*/|\]\]>)\s*$|;\s*$"
)
_FALSE: Final = re.compile(r"^(?:https?://schema\.org/)?(?:false|no|0)$", re.IGNORECASE)
_TRUE: Final = re.compile(r"^(?:https?://schema\.org/)?(?:true|yes|1)$", re.IGNORECASE)


class ArticleData(Struct, frozen=True, kw_only=True):
    """What a page's JSON-LD says of its article; absent parts are empty or None.

    Attributes:
        free: isAccessibleForFree of the article; None if it does not say.
        type: the schema.org type, lower case.
    """

    type: str = ""
    headline: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    published: str | None = None
    modified: str | None = None
    image: str | None = None
    section: str = ""
    keywords: tuple[str, ...] = ()
    body: str = ""
    free: bool | None = None
    publisher: str = ""


def article_data(scripts: Iterable[str], url: str) -> ArticleData | None:
    """The article that the page's JSON-LD blocks describe, or None if they describe none.

    Args:
        scripts: contents of the `application/ld+json` elements.
        url: the page's address; a node that names it wins over the first node.
    """
    nodes = [node for script in scripts for node in _article_nodes(_loaded(script), 0)]
    if not nodes:
        return None
    here = [node for node in nodes if _is_about(node, url)]
    return _data(max(here or nodes, key=lambda node: "datePublished" in node))


def _loaded(script: str) -> Any:
    text = _WRAPPING.sub("", _WRAPPING.sub("", script.strip()))
    for attempt in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _article_nodes(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _article_nodes(item, depth + 1)
    elif isinstance(value, dict):
        if _types(value) & _ARTICLE_TYPES:
            yield value
        for name in _NESTED:
            yield from _article_nodes(value.get(name), depth + 1)


def _types(node: dict[str, Any]) -> frozenset[str]:
    given = node.get("@type")
    names = given if isinstance(given, list) else [given]
    return frozenset(str(name).rpartition("/")[2].lower() for name in names)


def _is_about(node: dict[str, Any], url: str) -> bool:
    path = urlsplit(url).path.rstrip("/")
    entity = node.get("mainEntityOfPage")
    named = [node.get("url"), node.get("@id"), entity.get("@id") if isinstance(entity, dict) else entity]
    return any(isinstance(name, str) and path and urlsplit(name).path.rstrip("/") == path for name in named)


def _data(node: dict[str, Any]) -> ArticleData:
    body = node.get("articleBody")
    return ArticleData(
        type=next(iter(sorted(_types(node) & _ARTICLE_TYPES)), ""),
        headline=plain_text.line(_text(node.get("headline")) or _text(node.get("name"))),
        description=plain_text.line(_text(node.get("description"))),
        authors=_names(node.get("author")) or _names(node.get("creator")),
        published=_text(node.get("datePublished")) or _text(node.get("dateCreated")) or None,
        modified=_text(node.get("dateModified")) or None,
        image=_picture(node.get("image")) or _text(node.get("thumbnailUrl")) or None,
        section=plain_text.line(_text(node.get("articleSection"))),
        keywords=_keywords(node.get("keywords")),
        body=plain_text.paragraphs(body) if isinstance(body, str) else "",
        free=_free(node),
        publisher=next(iter(_names(node.get("publisher"))), ""),
    )


def _text(value: Any) -> str:
    """A string, the first of several, or a value object's @value."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name")
    return value.strip() if isinstance(value, str) else ""


def _names(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    found: list[str] = []
    for item in items:
        given = item.get("name") if isinstance(item, dict) else item
        for name in given if isinstance(given, list) else [given]:
            shown = plain_text.line(name) if isinstance(name, str) else ""
            if shown and not shown.startswith(("http://", "https://", "/")):
                found.append(shown)
    return tuple(dict.fromkeys(found))


def _picture(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("url") or value.get("contentUrl")
    return _text(value)


def _keywords(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else re.split(r"[,;]", value) if isinstance(value, str) else []
    return tuple(dict.fromkeys(word for item in items if (word := plain_text.line(_text(item)))))


def _free(node: dict[str, Any]) -> bool | None:
    """IsAccessibleForFree of the article, or of the part of it that is hidden (schema.org, paywalled content)."""
    parts = node.get("hasPart")
    values = [node, *(parts if isinstance(parts, list) else [parts])]
    said = [_boolean(value.get("isAccessibleForFree")) for value in values if isinstance(value, dict)]
    if said and said[0] is not None:
        return said[0]
    return False if False in said else None


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = _text(value)
    return False if _FALSE.match(text) else True if _TRUE.match(text) else None

"""A parsed page -> what its head and markup claim: titles, dates, authors, picture, canonical link.

Every source is kept apart or tried in a fixed order; extraction.py decides between them and JSON-LD.
"""

import re
from typing import Final
from urllib.parse import urljoin

from lxml.html import HtmlElement
from msgspec import Struct

from producers import plain_text
from producers.canonical import canonical_url, same_site
from producers.dates import ReadDate, read_date

_PUBLISHED: Final = (
    "article:published_time", "og:article:published_time", "datepublished", "dc.date.issued", "dcterms.created",
    "dc.date", "date", "pubdate", "publishdate", "publication_date", "sailthru.date", "parsely-pub-date",
    "cxenseparse:recs:publishtime", "cre:publishdate", "article.published", "og:published_time",
)  # fmt: skip
_MODIFIED: Final = (
    "article:modified_time", "og:updated_time", "og:article:modified_time", "datemodified", "dcterms.modified",
    "dc.date.modified", "lastmod", "last-modified", "revised",
)  # fmt: skip
_AUTHORS: Final = (
    "author",
    "article:author",
    "dc.creator",
    "dcterms.creator",
    "parsely-author",
    "sailthru.author",
    "byl",
)
_DESCRIPTIONS: Final = ("og:description", "description", "twitter:description", "dc.description")
_IMAGES: Final = ("og:image", "og:image:url", "twitter:image", "twitter:image:src")
_SECTIONS: Final = ("article:section", "og:article:section", "cre:section", "parsely-section", "section")
_KEYWORDS: Final = ("news_keywords", "article:tag", "keywords", "parsely-tags")
_SITE_SUFFIX: Final = re.compile(r"\s+[|\-–—•·]\s+")
_BY: Final = re.compile(r"^\s*(?:(?:propos recueillis|article|texte|rédigé|publié)\s+)?par\s+:?\s*", re.IGNORECASE)
_MAX_KEYWORDS: Final = 50
_SHORT_TITLE_CHARACTERS: Final = 15


class Metadata(Struct, frozen=True, kw_only=True):
    """What a page claims outside its text.

    Attributes:
        titles: candidates, the most trusted first.
        published: the first readable date of the head, else of microdata.
        canonical: `rel=canonical` within the registrable domain, canonicalised; else None.
    """

    titles: tuple[str, ...] = ()
    document_title: str = ""
    standfirst: str = ""
    authors: tuple[str, ...] = ()
    published: ReadDate | None = None
    modified: ReadDate | None = None
    image: str | None = None
    section: str = ""
    keywords: tuple[str, ...] = ()
    canonical: str | None = None
    og_type: str = ""
    robots: str = ""
    tdm_reservation: str | None = None
    tdm_policy: str | None = None


def page_metadata(root: HtmlElement, url: str) -> Metadata:
    """What the page at `url` claims of itself."""
    metas = _metas(root)
    document_title = plain_text.line(root.findtext(".//title"))
    return Metadata(
        titles=_titles(root, metas, document_title),
        document_title=document_title,
        standfirst=plain_text.line(_first(metas, _DESCRIPTIONS)),
        authors=_authors(root, metas),
        published=_date(metas, _PUBLISHED) or _marked_date(root),
        modified=_date(metas, _MODIFIED),
        image=_absolute(_first(metas, _IMAGES), url),
        section=plain_text.line(_first(metas, _SECTIONS)),
        keywords=_keywords(metas),
        canonical=_canonical(root, url),
        og_type=_first(metas, ("og:type",)).lower(),
        robots=", ".join(metas.get("robots", [])),
        tdm_reservation=_first(metas, ("tdm-reservation",)) or None,
        tdm_policy=_first(metas, ("tdm-policy",)) or None,
    )


def _metas(root: HtmlElement) -> dict[str, list[str]]:
    """Contents of the meta elements by lower-case property, name or itemprop."""
    found: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        content = (meta.get("content") or "").strip()
        if name and content:
            found.setdefault(name.strip().lower(), []).append(content)
    return found


def _first(metas: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((metas[name][0] for name in names if name in metas), "")


def _titles(root: HtmlElement, metas: dict[str, list[str]], document_title: str) -> tuple[str, ...]:
    headings = [plain_text.line(str(heading.text_content())) for heading in root.iter("h1")]
    social = [plain_text.line(text) for text in (*metas.get("og:title", []), *metas.get("twitter:title", []))]
    heads = [heading for heading in headings if heading]
    lone = heads if len(heads) == 1 else []
    trimmed = [_without_site(title) for title in (*social[:1], document_title)]
    return tuple(dict.fromkeys(title for title in (*lone, *trimmed, *heads) if title))


def _without_site(title: str) -> str:
    """A title without the site's name behind it, nor a section of one word before that; a bar ends every title."""
    head, bar, _ = title.partition(" | ")
    if bar and len(head) >= _SHORT_TITLE_CHARACTERS:
        return head
    parts = _SITE_SUFFIX.split(title)
    kept = parts[:-1] or parts
    if len(kept) > 1 and " " not in kept[-1]:
        kept = kept[:-1]
    return title[: title.rfind(kept[-1]) + len(kept[-1])]


def _authors(root: HtmlElement, metas: dict[str, list[str]]) -> tuple[str, ...]:
    named = [plain_text.line(name) for key in _AUTHORS for name in metas.get(key, [])]
    kept = [name for name in named if name and not name.startswith(("http", "@", "/"))]
    if not kept:
        marked = root.xpath(
            "//*[@rel='author' or @itemprop='author' or contains(@class,'author') or contains(@class,'byline')]"
        )
        texts = (plain_text.line(str(element.text_content())) for element in marked[:5])
        kept = [text for text in (_BY.sub("", text).strip(" ,;") for text in texts) if 2 < len(text) < 80][:1]  # noqa: PLR2004
    return tuple(dict.fromkeys(_BY.sub("", name) for name in kept))


def _date(metas: dict[str, list[str]], names: tuple[str, ...]) -> ReadDate | None:
    for name in names:
        for text in metas.get(name, []):
            found = read_date(text)
            if found is not None:
                return found
    return None


def _marked_date(root: HtmlElement) -> ReadDate | None:
    """The date that the markup calls the date of publication (microdata)."""
    for element in root.xpath("//*[@itemprop='datePublished']"):
        found = read_date(element.get("datetime") or element.get("content") or str(element.text_content()).strip())
        if found is not None:
            return found
    return None


def _keywords(metas: dict[str, list[str]]) -> tuple[str, ...]:
    for name in _KEYWORDS:
        if name in metas:
            words = (plain_text.line(word) for text in metas[name] for word in re.split(r"[,;]", text))
            return tuple(dict.fromkeys(word for word in words if word))[:_MAX_KEYWORDS]
    return ()


def _absolute(address: str, url: str) -> str | None:
    try:
        absolute = urljoin(url, address.strip()) if address.strip() else ""
    except ValueError:
        return None
    return absolute if absolute.startswith(("http://", "https://")) else None


def _canonical(root: HtmlElement, url: str) -> str | None:
    """Honoured only within the registrable domain: syndicated copies name their origin."""
    for link in root.iter("link"):
        if (link.get("rel") or "").lower() != "canonical":
            continue
        address = _absolute(link.get("href") or "", url)
        try:
            canonical = canonical_url(address) if address else None
        except ValueError:
            continue
        if canonical and same_site(canonical, url) and canonical.count("/") > 2 and not canonical.endswith(":///"):  # noqa: PLR2004
            return canonical
    return None

"""Articles, section fronts and notices -> HTML, by the publisher's template. Pure.

Three templates stand for three ages of the web: `semantic` (HTML 5, JSON-LD NewsArticle, OpenGraph), `soup` (a CMS of
2012: nested divs, breadcrumb, meta tags) and `graph` (JSON-LD @graph, boxes and lazy galleries within the body).
"""

import json
import zlib
from dataclasses import dataclass
from functools import cache
from struct import pack
from typing import Any

import jinja2
from markupsafe import Markup

from deploy.newsstand.edition import Shown
from deploy.newsstand.model import Block, Publisher
from deploy.newsstand.wording import french_date, slug

PICTURE_SIZE = (1200, 675)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deploy.newsstand", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["slug"] = slug
    return environment


TEMPLATES = _environment()


@dataclass(frozen=True, slots=True)
class Teaser:
    """How much of a body is shown: the blocks before the wall, and the share of the words behind it in percent."""

    blocks: tuple[Block, ...]
    hidden_percent: int


def teaser(view: Shown) -> Teaser:
    """What everyone may read of an article: all of it, or the first blocks where there is a paywall."""
    if view.article.wall != "paywall":
        return Teaser(view.blocks, 0)
    visible = view.blocks[: view.article.teaser_blocks]
    words, shown_words = (sum(len(block.text.split()) for block in part) for part in (view.blocks, visible))
    return Teaser(visible, round(100 * (words - shown_words) / words))


def _json_ld(data: dict[str, Any]) -> Markup:
    """JSON for a script element: "<" escaped, so that no text can close the element."""
    return Markup(json.dumps(data, ensure_ascii=False, indent=1).replace("<", "\\u003c"))  # noqa: S704 - escaped


def news_article(publisher: Publisher, view: Shown) -> dict[str, Any]:
    """The article as schema.org's NewsArticle (https://schema.org/NewsArticle)."""
    article, home = view.article, f"http://{publisher.host}/"
    kind = "Organization" if article.agency or not article.authors else "Person"
    data: dict[str, Any] = {
        "@type": "NewsArticle",
        "@id": f"{view.url}#article",
        "mainEntityOfPage": view.url,
        "headline": view.title,
        "description": article.standfirst,
        "inLanguage": article.language,
        "articleSection": article.section,
        "keywords": list(article.categories),
        "datePublished": view.published_at.astimezone(publisher.time_zone).isoformat(),
        "dateModified": view.modified_at.astimezone(publisher.time_zone).isoformat(),
        "author": [{"@type": kind, "name": name} for name in article.authors or (publisher.name,)],
        "publisher": {"@type": "NewsMediaOrganization", "@id": f"{home}#organization", "name": publisher.name},
        "image": {
            "@type": "ImageObject",
            "url": image_url(publisher, view),
            "width": PICTURE_SIZE[0],
            "height": PICTURE_SIZE[1],
        },
        "isAccessibleForFree": article.wall != "paywall",
    }
    if article.wall == "paywall":
        part = {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": ".article-body"}
        data["hasPart"] = part
    return data


def image_url(publisher: Publisher, view: Shown) -> str:
    """The address of the article's picture."""
    return f"http://{publisher.host}/images/{view.article.name}.png"


def _context(publisher: Publisher) -> dict[str, Any]:
    return {"publisher": publisher, "home": f"http://{publisher.host}"}


def article_page(publisher: Publisher, view: Shown, others: tuple[Shown, ...]) -> str:
    """The page of an article; `others` are other articles of the publisher for the related boxes."""
    if view.article.wall == "cookies":
        return TEMPLATES.get_template("consent.html").render(_context(publisher))
    part = teaser(view)
    data = news_article(publisher, view)
    return TEMPLATES.get_template(f"page_{publisher.template}.html").render(
        _context(publisher),
        view=view,
        article=view.article,
        blocks=part.blocks,
        hidden_percent=part.hidden_percent,
        byline=", ".join(view.article.authors) or publisher.name,
        published=view.published_at.astimezone(publisher.time_zone),
        modified=view.modified_at.astimezone(publisher.time_zone),
        published_words=french_date(view.published_at, publisher.time_zone),
        modified_words=french_date(view.modified_at, publisher.time_zone),
        image=image_url(publisher, view),
        related=others,
        news_article=_json_ld({"@context": "https://schema.org"} | data),
        graph=_json_ld({"@context": "https://schema.org", "@graph": _graph(publisher, view, data)}),
    )


def _graph(publisher: Publisher, view: Shown, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The article among its site, its publisher and its breadcrumb, as search-engine plug-ins write it."""
    home = f"http://{publisher.host}/"
    crumbs = [(publisher.name, home), (view.article.section, f"{home}{slug(view.article.section)}/")]
    return [
        {"@type": "NewsMediaOrganization", "@id": f"{home}#organization", "name": publisher.name, "url": home},
        {"@type": "WebSite", "@id": f"{home}#website", "url": home, "publisher": {"@id": f"{home}#organization"}},
        {"@type": "WebPage", "@id": view.url, "url": view.url, "isPartOf": {"@id": f"{home}#website"}},
        data,
        {
            "@type": "BreadcrumbList",
            "itemListElement": [
                {"@type": "ListItem", "position": position, "name": name, "item": item}
                for position, (name, item) in enumerate(crumbs, start=1)
            ],
        },
    ]


def front_page(publisher: Publisher, views: tuple[Shown, ...], section: str = "") -> str:
    """The publisher's front page, or the front of one section."""
    chosen = tuple(view for view in views if section in ("", view.article.section))
    return TEMPLATES.get_template("front.html").render(_context(publisher), views=chosen, section=section)


def notice(publisher: Publisher, title: str, text: str) -> str:
    """A page that only says something: not found, gone, too many requests."""
    return TEMPLATES.get_template("notice.html").render(_context(publisher), title=title, text=text)


def robots_txt(publisher: Publisher) -> str:
    """The host's robots.txt (RFC 9309): what is closed to all, and one crawler that is not wanted at all."""
    closed = "".join(f"Disallow: {path}\n" for path in publisher.disallow) or "Disallow:\n"
    return f"# {publisher.name}\nUser-agent: *\n{closed}\nUser-agent: GrandAspirateurBot\nDisallow: /\n"


@cache
def picture(colour: str) -> bytes:
    """A PNG of one colour ("#rrggbb"): it stands for the press photograph, which we have not."""
    width, height = PICTURE_SIZE
    row = b"\0" + bytes.fromhex(colour.removeprefix("#")) * width

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # eight bits, RGB
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )

"""Feed bytes -> entries in plain text, with every repair named. feedparser does the formats; the rest is ours.

feedparser only ever gets bytes: given a string it opens files and URLs. It leaves scripts in titles and `javascript:`
links, reads a web page as an empty feed, and misreads some dates: links, texts and dates are therefore ours (canonical,
plain_text, dates). Dates in the future stay as they are; only the caller knows the time.
"""

import io
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urljoin

import feedparser

from producers import plain_text
from producers.canonical import article_id, canonical_url
from producers.dates import ReadDate, read_date
from producers.entries import Entry, ParsedFeed
from schemas.limits import MAX_FIELD_CHARACTERS, MAX_LIST_ITEMS, MAX_TEXT_BYTES

MAX_ENTRIES: Final = 2_000
"""More are a mistake or an attack; the largest real feed seen holds 100."""

FULL_TEXT_CHARACTERS: Final = 600
"""`content:encoded` shorter than this is a teaser, not the article."""

_HTML_START: Final = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_FEED_TAG: Final = re.compile(rb"<(?:rss|feed|rdf:RDF|channel)\b", re.IGNORECASE)
_EMAIL: Final = re.compile(r"\S+@\S+\.\w+")
_NAME_IN_BRACKETS: Final = re.compile(r"^\S+@\S+\s*\((.+)\)$")
_PERIOD_SECONDS: Final = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_SNIFFED: Final = 4096


def parse_feed(data: bytes, *, url: str, headers: Mapping[str, str] | None = None) -> ParsedFeed:
    """What the document at a feed's address says. Any bytes give a result; what is no feed gives `is_feed` False.

    Args:
        data: the body, decompressed, undecoded.
        url: where it came from: relative links start there.
        headers: response headers; the content type's charset counts.
    """
    if not data.strip():
        return ParsedFeed(complete=False, problems=("empty",))
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    given: dict[str, str] = {name: lowered[name] for name in ("content-type", "content-language") if name in lowered}
    given["content-location"] = url
    document = feedparser.parse(io.BytesIO(data), response_headers=given)
    if not document.get("version"):
        return ParsedFeed(complete=False, problems=(_not_a_feed(data, document),))
    problems = _document_problems(document)
    if len(document.entries) > MAX_ENTRIES:
        problems.append("too_many_entries")
    entries, dropped = _entries(document.entries[:MAX_ENTRIES], url)
    feed = document.feed
    return ParsedFeed(
        title=plain_text.line(feed.get("title"), MAX_FIELD_CHARACTERS),
        language=_language(feed.get("language")),
        format=document.version,
        link=_web_address(feed.get("link"), url),
        ttl_seconds=_wished_seconds(feed),
        entries=entries,
        complete=not any(problem.startswith("malformed_xml") for problem in problems),
        problems=(*problems, *dropped),
    )


def _not_a_feed(data: bytes, document: Any) -> str:
    start = data[:_SNIFFED]
    if _HTML_START.search(start) or (b"<html" in start.lower() and not _FEED_TAG.search(start)):
        return "not_a_feed: the document is a web page"
    reason = document.get("bozo_exception")
    return f"not_a_feed: {plain_text.line(str(reason), 200)}" if reason else "not_a_feed: no known feed format"


def _document_problems(document: Any) -> list[str]:
    reason = document.get("bozo_exception") if document.get("bozo") else None
    if reason is None or isinstance(reason, feedparser.NonXMLContentType):
        return []  # half the web serves feeds as text/html; nobody is helped by a note
    if isinstance(reason, feedparser.CharacterEncodingOverride):
        return ["declared_encoding_wrong"]
    return [f"malformed_xml: {plain_text.line(str(reason), 200)}"]


def _entries(items: Iterable[Any], base: str) -> tuple[tuple[Entry, ...], list[str]]:
    entries, dropped = [], []
    for item in items:
        entry = _entry(item, base)
        if isinstance(entry, Entry):
            entries.append(entry)
        else:
            dropped.append(entry)
    return tuple(entries), [f"{reason}: {dropped.count(reason)} entries dropped" for reason in dict.fromkeys(dropped)]


def _entry(item: Any, base: str) -> Entry | str:
    """The entry, or the slug of why it cannot be one."""
    link = _article_link(item, base)
    if link is None:
        return "entry_without_usable_link"
    title = plain_text.line(item.get("title"), MAX_FIELD_CHARACTERS)
    summary = plain_text.paragraphs(_capped(item.get("summary"))) or None
    content = _full_text(item, summary)
    if not title:
        title = plain_text.shortened(plain_text.line(summary or content), 120)
    if not title:
        return "entry_without_title"
    url = canonical_url(link)
    published, modified = _dates(item)
    problems = (published.problems if published else ()) + (() if published else ("date_missing",))
    return Entry(
        id=article_id(url),
        url=url,
        link=link,
        title=title,
        summary=_distinct_summary(summary, title, content),
        content=content,
        authors=_authors(item),
        published_at=published.at if published else None,
        published_precision=published.precision if published else "none",
        modified_at=modified.at if modified else None,
        categories=_categories(item),
        image=_image(item, base),
        problems=problems,
    )


def _article_link(item: Any, base: str) -> str | None:
    """The article's address: Feedburner keeps the original aside; without a link an id that is an address will do."""
    for candidate in (item.get("feedburner_origlink"), item.get("link"), item.get("id")):
        address = _web_address(candidate, base if candidate != item.get("id") else "")
        if address:
            return address
    return None


def _web_address(link: Any, base: str) -> str | None:
    """An absolute http(s) address, or None: `javascript:`, `file:`, `data:` and nonsense lead nowhere."""
    if not isinstance(link, str) or not link.strip() or len(link) > MAX_FIELD_CHARACTERS:
        return None
    try:
        address = urljoin(base, link.strip()) if base else link.strip()
        canonical_url(address)
    except ValueError:
        return None
    return address


def _capped(text: Any) -> str:
    return text[:MAX_TEXT_BYTES] if isinstance(text, str) else ""


def _full_text(item: Any, summary: str | None) -> str | None:
    texts = (plain_text.paragraphs(_capped(part.get("value"))) for part in item.get("content") or ())
    longest = max(texts, key=len, default="")
    if len(longest) < FULL_TEXT_CHARACTERS or (len(longest) < 2 * len(summary or "") and longest != summary):
        return None
    return plain_text.within_bytes(longest, MAX_TEXT_BYTES)


def _distinct_summary(summary: str | None, title: str, content: str | None) -> str | None:
    """The summary, unless it repeats the title, or the content as feedparser has it where a feed gives no summary."""
    if summary is None or summary in {title, content}:
        return None
    return plain_text.shortened(summary, MAX_FIELD_CHARACTERS)


def _dates(item: Any) -> tuple[ReadDate | None, ReadDate | None]:
    published = _first_date(item, "published", "created")
    modified = _first_date(item, "updated")
    return published or modified, modified


def _first_date(item: Any, *names: str) -> ReadDate | None:
    for name in names:
        # Membership first: feedparser answers a missing "updated" with "published", and warns.
        if name in item.keys():  # noqa: SIM118 FeedParserDict.__contains__ has the same fallback
            found = read_date(item[name])
            if found:
                return found
    return None


def _authors(item: Any) -> tuple[str, ...]:
    whole = item.get("author") or ""
    # feedparser takes "mail@host (Name)" apart for the top-level domains it knows only.
    listed = [] if "@" in whole else [author.get("name") or "" for author in item.get("authors") or ()]
    named = listed or [whole]
    names = (plain_text.line(name, MAX_FIELD_CHARACTERS) for name in named)
    shown = (match.group(1) if (match := _NAME_IN_BRACKETS.match(name)) else _EMAIL.sub("", name) for name in names)
    kept = (name.strip(" ,;()<>") for name in shown)
    return tuple(dict.fromkeys(name for name in kept if name))[:MAX_LIST_ITEMS]


def _categories(item: Any) -> tuple[str, ...]:
    terms = (plain_text.line(tag.get("label") or tag.get("term"), 200) for tag in item.get("tags") or ())
    return tuple(dict.fromkeys(term for term in terms if term))[:MAX_LIST_ITEMS]


def _image(item: Any, base: str) -> str | None:
    media = [part for part in item.get("media_content") or () if _is_picture(part)]
    thumbnails = list(item.get("media_thumbnail") or ())
    enclosures = [{"url": part.get("href"), **part} for part in item.get("enclosures") or () if _is_picture(part)]
    addresses = (_web_address(part.get("url"), base) for part in (*media, *enclosures, *thumbnails))
    return next((address for address in addresses if address), None)


def _is_picture(part: Any) -> bool:
    kind = f"{part.get('medium') or ''} {part.get('type') or ''}"
    return "image" in kind or not kind.strip()


def _language(code: Any) -> str | None:
    """The primary subtag, lower case: fr-FR and fr_fr are fr."""
    match = re.match(r"\s*([a-z]{2,3})(?![a-z])", str(code or ""), re.IGNORECASE)
    return match.group(1).lower() if match else None


def _wished_seconds(feed: Any) -> int | None:
    """RSS 2.0 `ttl` in minutes, or the syndication module's period / frequency: the longer one."""
    wishes = []
    ttl = str(feed.get("ttl") or "")
    if ttl.isdigit() and len(ttl) < 9:  # noqa: PLR2004 more digits are nonsense
        wishes.append(60 * int(ttl))
    period = _PERIOD_SECONDS.get(str(feed.get("sy_updateperiod") or "").strip().lower())
    if period:
        frequency = str(feed.get("sy_updatefrequency") or "1").strip()
        wishes.append(period // max(1, int(frequency) if frequency.isdigit() and len(frequency) < 9 else 1))  # noqa: PLR2004
    return max(wishes, default=None)

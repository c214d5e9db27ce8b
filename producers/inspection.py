"""What the producers make of one input, as the stable JSON of `kiosque inspect url|feed|page`.

The keys are public. No input raises: what cannot be read gives {"error": …}.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec

from producers.canonical import article_id, canonical_url
from producers.entries import Entry
from producers.extraction import extract_page
from producers.feed_parser import parse_feed

Document = dict[str, Any]
_P = ParamSpec("_P")


def _never_raising(function: Callable[_P, Document]) -> Callable[_P, Document]:
    @wraps(function)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> Document:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 one bad input among hundreds must not end the others
            return {"error": str(error) or type(error).__name__}

    return wrapped


@_never_raising
def inspect_url(url: str) -> Document:
    """`url`, its `canonical` form and the article `id`."""
    canonical = canonical_url(url)
    return {"url": url, "canonical": canonical, "id": article_id(canonical)}


@_never_raising
def inspect_feed(data: bytes, *, url: str, content_type: str | None = None, now: datetime) -> Document:
    """The feed, its entries and what was wrong with it.

    Args:
        data: the document, decompressed.
        url: where it came from.
        content_type: as served, with its charset.
        now: dates after it are clamped to it, with a problem.
    """
    parsed = parse_feed(data, url=url, headers={"content-type": content_type} if content_type else {})
    problems = list(parsed.problems)
    entries = [_entry(entry, now, problems) for entry in parsed.entries]
    return {
        "feed": {
            "title": parsed.title,
            "language": parsed.language,
            "format": parsed.format,
            "link": parsed.link,
            "ttl_seconds": parsed.ttl_seconds,
        },
        "entries": entries,
        "problems": problems,
    }


@_never_raising
def inspect_page(data: bytes, *, url: str, headers: Mapping[str, str] | None = None) -> Document:
    """The article on a page, who may read it, what is reserved, and what was wrong.

    Args:
        data: the document, decompressed.
        url: where it came from.
        headers: response headers; at least the content type, where it is known.
    """
    page = extract_page(data, url=url, headers=headers)
    problems = list(page.problems)
    if not page.is_article:
        problems.append(f"not_an_article: {page.verdict}")
    return {
        "url": canonical_url(url),
        "title": page.title,
        "standfirst": page.standfirst,
        "text": page.text,
        "authors": list(page.authors),
        "published_at": _instant(page.published_at),
        "modified_at": _instant(page.modified_at),
        "image": page.image,
        "section": page.section,
        "agency": list(page.agency),
        "access": {
            "status": page.access.status,
            "truncated": page.access.truncated,
            "evidence": list(page.access.evidence),
        },
        "rights": {"tdm_reserved": page.rights.tdm_reserved, "evidence": list(page.rights.evidence)},
        "problems": problems,
    }


def _entry(entry: Entry, now: datetime, problems: list[str]) -> Document:
    published, modified = entry.published_at, entry.modified_at
    notes = list(entry.problems)
    if published is not None and published > now:
        published = now
        notes.append("published_in_future")
    problems.extend(f"{note}: {entry.url}" for note in notes)
    return {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "authors": list(entry.authors),
        "published_at": _instant(published),
        "modified_at": _instant(min(modified, now) if modified else None),
        "categories": list(entry.categories),
        "image": entry.image,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

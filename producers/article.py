"""(pending entry, what its page gave) -> the article to publish, and its disposition. Each part from its best source.

title, dates      the feed's, then the page's          authors     JSON-LD, then the feed, then the page's byline
text              the page's, as far as rights and access allow; else the feed's own, and `text_source` says so
standfirst        the page's, then the feed's summary; never repeated at the start of the text
"""

import hashlib
import re
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from producers import plain_text
from producers.agency import acronym, agency_credits
from producers.body_text import opens_with
from producers.canonical import canonical_url, same_site
from producers.decide import entry_hash
from producers.entries import Entry
from producers.extraction import Page
from producers.records import PendingPage
from producers.rights import text_may_be_kept
from schemas.articles import Image, Precision, Rights, RightsBasis, TextSource
from schemas.limits import MAX_LIST_ITEMS, MAX_TEXT_BYTES
from schemas.messages import FetchedArticle, Trace
from schemas.reasons import Disposition
from schemas.withdrawals import WithdrawalOrder

_FRONT_PAGE: Final = re.compile(r"^(?:(?:à|a)?\s*(?:la\s+)?une|titres|en continu|home|tout)$", re.IGNORECASE)


class Reading(Struct, frozen=True, kw_only=True):
    """What asking for a page gave.

    Attributes:
        page: the extraction; None if there was none.
        final_url: where the page came from, after redirects.
        failure: disposition for a reading without a page; `detail` says why.
        rights: of pages that are not read because their host is known to reserve mining.
    """

    page: Page | None = None
    final_url: str | None = None
    failure: Disposition | None = None
    detail: str | None = None
    rights: Rights = Rights()


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of an entry: an article unless nothing readable is left, always a disposition."""

    article: FetchedArticle | None
    disposition: Disposition
    detail: str | None = None


class _Text(Struct, frozen=True):
    text: str | None
    source: TextSource
    disposition: Disposition
    detail: str | None = None


def outcome_of(
    pending: PendingPage, reading: Reading, *, basis: RightsBasis, asked_at: datetime, now: datetime
) -> Outcome:
    """The article that pending entry and page make together.

    Args:
        pending: the entry and what is known of its feed.
        reading: of its page.
        basis: on what ground texts are kept.
        asked_at: when the page was asked for: the reading's place in the order of readings.
        now: nothing that the page claims can be later.
    """
    if pending.discovered_at > asked_at:  # the clock was set back in between
        pending = msgspec.structs.replace(pending, discovered_at=asked_at)
    page = reading.page if reading.page is not None and reading.page.is_article else None
    rights = msgspec.structs.replace(reading.page.rights if reading.page else reading.rights, basis=basis)
    chosen = _text(pending.entry, page, reading, may_keep=text_may_be_kept(rights, basis))
    if chosen.source == "none" and chosen.disposition not in {"fetched", "teaser_kept"}:
        return Outcome(article=None, disposition=chosen.disposition, detail=chosen.detail)
    article = _article(pending, page or Page(), reading, chosen, rights, now)
    article = msgspec.structs.replace(article, fetched_at=asked_at)
    return Outcome(article=article, disposition=chosen.disposition, detail=chosen.detail)


def trace_of(
    pending: PendingPage, disposition: Disposition, *, detail: str | None, content: str, now: datetime
) -> Trace:
    """The trace of one reading. Its id depends on what was read, not when: a repeated delivery has the same id.

    Args:
        pending: the entry.
        disposition: what became of it.
        detail: why, for people.
        content: what was read (text), "" if nothing.
        now: the time of the reading.
    """
    entry = pending.entry
    parts = (entry.id, "poll", disposition, entry_hash(entry), content)
    return Trace(
        trace_id=hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest(),
        article_id=entry.id,
        url=entry.url,
        title=entry.title,
        publisher_id=pending.publisher.id,
        feed=pending.feed,
        stage="poll",
        disposition=disposition,
        detail=detail,
        at=now,
    )


def withdrawn_trace(pending: PendingPage, order: WithdrawalOrder, now: datetime) -> Trace:
    """That an entry is not worked on, and why; nothing of it but its id."""
    parts = (pending.entry.id, "poll", "withdrawn")
    return Trace(
        trace_id=hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest(),
        article_id=pending.entry.id,
        stage="poll",
        disposition="withdrawn",
        detail=order.reason,
        at=now,
    )


def _text(entry: Entry, page: Page | None, reading: Reading, *, may_keep: bool) -> _Text:
    if not may_keep:
        own = entry.summary
        return _Text(own, "feed" if own else "none", "teaser_kept", "text and data mining reserved")
    own = _own_text(entry)
    if page is None:
        detail = reading.detail or (reading.page.verdict if reading.page else None)
        if own is None:
            return _Text(None, "none", reading.failure or "not_an_article", detail)
        return _Text(own, "feed", "teaser_kept", f"{reading.failure or 'not_an_article'}: {detail}")
    if page.access.truncated and len(entry.content or "") > len(page.text):
        return _Text(entry.content, "feed", "fetched", "the feed has more than the page")
    if not page.text:
        return _Text(own, "feed" if own else "none", "teaser_kept", "the page has no text")
    if page.access.truncated:
        return _Text(page.text, "teaser", "teaser_kept", "only the beginning is free")
    return _Text(page.text, "page", "fetched")


def _own_text(entry: Entry) -> str | None:
    text = entry.content or entry.summary
    return plain_text.within_bytes(text, MAX_TEXT_BYTES) if text else None


def _article(
    pending: PendingPage, page: Page, reading: Reading, chosen: _Text, rights: Rights, now: datetime
) -> FetchedArticle:
    entry, publisher = pending.entry, pending.publisher
    problems = [problem for problem in (*entry.problems, *page.problems) if problem != "date_missing"]
    published, precision = _published(entry, page, pending.discovered_at, problems)
    authors = page.authors if page.authors_declared else entry.authors or page.authors
    own = (acronym(publisher.name),) if publisher.kind == "agency" else ()
    agencies = (*own, *page.agency, *agency_credits(authors, chosen.text))
    image = page.image or entry.image
    return FetchedArticle(
        article_id=entry.id,
        url=entry.url,
        url_aliases=_aliases(entry.url, page.canonical, reading.final_url),
        publisher=publisher,
        feeds=(pending.feeds or (pending.feed,))[:MAX_LIST_ITEMS],
        title=entry.title or page.title,
        standfirst=_standfirst(entry, page, chosen),
        text=chosen.text,
        text_source=chosen.source if chosen.text else "none",
        word_count=len(chosen.text.split()) if chosen.text else 0,
        authors=authors[:MAX_LIST_ITEMS],
        section=page.section or _section(pending.section),
        keywords=(page.keywords or entry.categories)[:MAX_LIST_ITEMS],
        genre=page.genre,
        sponsored=page.sponsored,
        image=Image(url=image) if image else None,
        access=page.access,
        rights=rights,
        agency=tuple(dict.fromkeys(agencies)),
        published_at=published,
        published_precision=precision,
        modified_at=_modified(entry, page, published, now, problems),
        problems=tuple(dict.fromkeys(problems)),
        language_hint=pending.language,
        discovered_at=pending.discovered_at,
        fetched_at=now,
        reading=pending.reading,
    )


def _published(
    entry: Entry, page: Page, discovered_at: datetime, problems: list[str]
) -> tuple[datetime | None, Precision]:
    """The publisher's claim, feed first; never later than when we first saw the article."""
    at, precision = entry.published_at, entry.published_precision
    if at is None:
        at, precision = page.published_at, page.published_precision
    if at is None:
        problems.append("date_missing")
        return None, "none"
    if at > discovered_at:
        problems.append("published_in_future")
        return discovered_at, precision
    return at, precision


def _modified(
    entry: Entry, page: Page, published: datetime | None, now: datetime, problems: list[str]
) -> datetime | None:
    """The later claim; a change at the moment of publication is none."""
    claims = [claim for claim in (entry.modified_at, page.modified_at) if claim is not None]
    latest = max(claims, default=None)
    if latest is None or (published is not None and latest <= published):
        return None
    if latest > now:
        problems.append("modified_in_future")
        return now
    return latest


def _section(of_feed: str) -> str | None:
    """The feed's section, unless it is the front page, which says nothing of the subject."""
    return None if _FRONT_PAGE.match(of_feed) else of_feed or None


def _standfirst(entry: Entry, page: Page, chosen: _Text) -> str | None:
    standfirst = (page.standfirst if chosen.source in {"page", "teaser"} else None) or entry.summary
    if standfirst is None or (chosen.text and chosen.source != "feed" and opens_with(chosen.text, standfirst)):
        return None
    return standfirst


def _aliases(url: str, *others: str | None) -> tuple[str, ...]:
    """Other addresses of the same article, canonicalised, within its registrable domain."""
    found: list[str] = []
    for other in others:
        try:
            alias = canonical_url(other) if other else url
        except ValueError:
            continue
        if alias != url and same_site(alias, url):
            found.append(alias)
    return tuple(dict.fromkeys(found))

"""What a feed says, as values: the contract of this room between parser, decision and memory."""

from datetime import datetime

from msgspec import Struct

from schemas.articles import Precision


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a feed, as the publisher claims it, in plain text.

    Attributes:
        id: article id of `url`.
        url: canonical URL of the article.
        link: the link as the feed gave it: what is fetched.
        content: full text where the feed carries one, else None.
        problems: slugs of what had to be repaired or dropped.
    """

    id: str
    url: str
    link: str
    title: str
    summary: str | None = None
    content: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    published_precision: Precision = "none"
    modified_at: datetime | None = None
    categories: tuple[str, ...] = ()
    image: str | None = None
    problems: tuple[str, ...] = ()


class ParsedFeed(Struct, frozen=True, kw_only=True):
    """One reading of a feed document.

    Attributes:
        format: feedparser's name ("rss20", "atom10" …), "" for what is no feed.
        ttl_seconds: the feed's own wish (`ttl`, `sy:updatePeriod`), None if it has none.
        complete: the document was read to its end; if not, its validators must not be kept.
        problems: slugs, some with detail after a colon.
    """

    title: str = ""
    language: str | None = None
    format: str = ""
    link: str | None = None
    ttl_seconds: int | None = None
    entries: tuple[Entry, ...] = ()
    complete: bool = True
    problems: tuple[str, ...] = ()

    @property
    def is_feed(self) -> bool:
        """Whether the document is a feed at all, even a broken or empty one."""
        return bool(self.format)

"""What the newsstand is made of: publishers, their feeds, their articles, a request and the answer to it.

Values only. How they are read from files is `loading`'s job, what they say at a moment is `edition`'s, how that
looks is `pages`' and `feeds`', and what a request gets is `respond`'s.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Literal

Wall = Literal["", "paywall", "cookies"]
FeedAnswer = Literal["feed", "html", "moved", "gone", "too_many_requests"]
FeedFormat = Literal["rss", "atom"]
BlockKind = Literal["p", "h2"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or subhead of an article's body, as plain text."""

    kind: BlockKind
    text: str


@dataclass(frozen=True, slots=True)
class Correction:
    """What the second version of an article says differently.

    `paragraph` is the index (from 0) among the body's blocks of the one that `text` replaces.
    """

    title: str
    paragraph: int
    text: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article of one publisher, whatever the template of its page.

    `published` is relative to the opening of the newsstand: negative before it, positive for an article that appears
    while one watches. `feeds` names the publisher's feeds that carry it. `agency` is the credit of a news agency
    ("APL") whose text this is. `copy_of` and `relation` say which article of the agency it was taken from and how.
    """

    name: str
    publisher: str
    path: str
    section: str
    title: str
    standfirst: str
    published: timedelta
    feeds: tuple[str, ...]
    blocks: tuple[Block, ...]
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str = "fr"
    caption: str = ""
    agency: str = ""
    copy_of: str = ""
    relation: str = ""
    wall: Wall = ""
    teaser_blocks: int = 0
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as its publisher announces it; `answer` says how its address really behaves.

    `tracking` is what the publisher hangs on the links of this feed ("#xtor=RSS-1", "?utm_source=rss").
    """

    name: str
    host: str
    path: str
    section: str
    title: str
    format: FeedFormat = "rss"
    encoding: str = "utf-8"
    full_text: bool = False
    audio: bool = False
    tracking: str = ""
    answer: FeedAnswer = "feed"
    moved_to: str = ""

    @property
    def url(self) -> str:
        """The address that the catalogue gives."""
        return f"http://{self.host}{self.path}"


@dataclass(frozen=True, slots=True)
class Publisher:
    """An invented publisher: who it is, how its site is made and how its host behaves.

    `id` is the registrable domain, `coverage` lists départements. `slow` makes every page wait. `etags` is false for
    a site that sends Last-Modified only. `robots` is false for a host without robots.txt.
    """

    id: str
    name: str
    tagline: str
    kind: str
    host: str
    template: str
    time_zone: tzinfo
    sections: tuple[str, ...]
    feeds: tuple[Feed, ...]
    colour: str
    city: str
    group: str = ""
    country: str = "FR"
    language: str = "fr"
    coverage: tuple[str, ...] = ()
    disallow: tuple[str, ...] = ()
    robots: bool = True
    slow: bool = False
    etags: bool = True


@dataclass(frozen=True)
class Stand:
    """All publishers and articles, the moment of opening (whole seconds, UTC) and the two adjustable durations."""

    publishers: tuple[Publisher, ...]
    articles: tuple[Article, ...]
    opened_at: datetime
    slow_seconds: float = 3.0
    correct_after_seconds: float = 8.0

    @cached_property
    def publisher_by_id(self) -> dict[str, Publisher]:
        """Publishers by registrable domain."""
        return {publisher.id: publisher for publisher in self.publishers}

    @cached_property
    def publisher_by_host(self) -> dict[str, Publisher]:
        """Publishers by every host name that they answer to (pages, and feeds where these live elsewhere)."""
        by_host = {publisher.host: publisher for publisher in self.publishers}
        by_host |= {feed.host: publisher for publisher in self.publishers for feed in publisher.feeds}
        return by_host

    @cached_property
    def article_by_address(self) -> dict[tuple[str, str], Article]:
        """Articles by (host, path)."""
        hosts = {publisher.id: publisher.host for publisher in self.publishers}
        return {(hosts[article.publisher], article.path): article for article in self.articles}

    @cached_property
    def article_by_name(self) -> dict[str, Article]:
        """Articles by the name of their file."""
        return {article.name: article for article in self.articles}

    def url_of(self, article: Article) -> str:
        """The canonical URL of an article: without port, so that it is the same wherever the newsstand listens."""
        return f"http://{self.publisher_by_id[article.publisher].host}{article.path}"


@dataclass(frozen=True, slots=True)
class Request:
    """The facts of an HTTP request that the answer depends on; header names are lower case, `host` has no port."""

    method: str
    host: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a request.

    `delay_seconds` is how long the server holds it back. `read_key` names what has now been read by a poller: the
    shell keeps the time of the first such reading and passes it to later decisions as `reads`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    delay_seconds: float = 0.0
    read_key: str = ""

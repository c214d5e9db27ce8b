"""The parts of an article that its messages share: publisher, access, rights, change, timeline.

Field names follow schema.org NewsArticle, ECS and IPTC where they have one (docs/glossary.md). All times are aware UTC.
Everything here is immutable; readers ignore fields they do not know, so adding a field breaks nobody.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339, always with a zone; we write UTC")]
ArticleId = Annotated[
    str, Meta(pattern="^[0-9a-f]{32}$", description="blake2b-128 of the canonical URL, lower-case hexadecimal")
]

PublisherKind = Literal["national", "regional", "agency", "broadcaster", "magazine", "web"]
AccessStatus = Literal["free", "subscriber", "unknown"]
RightsBasis = Literal["art4", "research", "licence"]
TextSource = Literal["page", "feed", "teaser", "none"]
Genre = Literal["live", "dispatch", "opinion", "interview", "report", "other"]
Precision = Literal["second", "minute", "day", "none"]
ChangeKind = Literal["title", "standfirst", "text", "access"]


class Publisher(Struct, frozen=True, kw_only=True):
    """Who publishes, as the catalogue says."""

    id: Annotated[str, Meta(description="registrable domain, e.g. lemonde.fr")]
    name: str
    kind: PublisherKind = "web"
    group: str | None = None
    coverage: Annotated[tuple[str, ...], Meta(description="départements covered, INSEE codes")] = ()
    country: Annotated[str, Meta(description="ISO 3166-1 alpha-2")] = "FR"


class Image(Struct, frozen=True, kw_only=True):
    """The lead picture."""

    url: str


class Access(Struct, frozen=True, kw_only=True):
    """Who may read the page, and what says so."""

    status: AccessStatus = "unknown"
    truncated: Annotated[bool, Meta(description="only the beginning of the text was served")] = False
    evidence: tuple[str, ...] = ()


class Rights(Struct, frozen=True, kw_only=True):
    """The publisher's reservation of text and data mining (directive 2019/790, art. 4; TDMRep), and our basis."""

    tdm_reserved: Annotated[bool | None, Meta(description="null: the publisher says nothing")] = None
    tdm_policy: str | None = None
    robots: Annotated[tuple[str, ...], Meta(description="directives of meta robots and X-Robots-Tag")] = ()
    basis: RightsBasis = "art4"
    evidence: tuple[str, ...] = ()


class Change(Struct, frozen=True, kw_only=True):
    """What a revision changed against the one before it."""

    kinds: tuple[ChangeKind, ...] = ()
    title_before: str | None = None
    diff: Annotated[str | None, Meta(description="unified diff of the text, null when the former text is not held")] = (
        None
    )


class Timeline(Struct, frozen=True, kw_only=True):
    """When each stage was done with the article, by that stage's own clock.

    `published` is the publisher's first claim and `discovered` our first sight: no revision moves either.
    """

    published: Instant | None = None
    discovered: Instant
    fetched: Instant
    accepted: Instant | None = None
    enriched: Instant | None = None
    clustered: Instant | None = None

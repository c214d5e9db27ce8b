"""The messages on the Kafka topics, and the version that orders them.

    FetchedArticle   what the producers read                 articles.fetched
    UniqueArticle    + revision, accepted_at, change          articles.unique
    TaggedArticle    + labels                                 articles.tagged, articles.reenrich
    EnrichedArticle  + story; the contract with subscribers   articles.enriched (null value = withdrawn)
    Withdrawal       an article that must go                  articles.fetched, .unique, .tagged
    Trace            what became of an entry at one stage     articles.trace

All are JSON objects with a `type`. A message larger than `limits.MAX_RECORD_BYTES` is never sent: texts are capped,
with a note in `problems`.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.articles import (
    Access,
    ArticleId,
    Change,
    Genre,
    Image,
    Instant,
    Precision,
    Publisher,
    Rights,
    TextSource,
    Timeline,
)
from schemas.labels import Entities, Places, Provenance, Quotes, Story, Topics
from schemas.reasons import Disposition, Stage

RUN_BITS = 20
"""Low bits of a version that count re-enrichment runs; a million replays of one archive fit."""


def version_of(revision: int, run: int) -> int:
    """The number that orders all messages of one article: revision first, then re-enrichment run (0 = live).

    Raises:
        ValueError: revision < 1, or run outside 0 .. 2**20 - 1.
    """
    if revision < 1 or not 0 <= run < 1 << RUN_BITS:
        raise ValueError(f"no version for revision {revision}, run {run}")
    return revision << RUN_BITS | run


def revision_of(version: int) -> int:
    """The revision in a version."""
    return version >> RUN_BITS


def run_of(version: int) -> int:
    """The re-enrichment run in a version; 0 is the live run."""
    return version & ((1 << RUN_BITS) - 1)


class ArticleCore(Struct, frozen=True, kw_only=True):
    """What is known of an article before anything is concluded from it. Not a message by itself."""

    article_id: ArticleId
    url: Annotated[str, Meta(description="canonical URL")]
    url_aliases: tuple[str, ...] = ()
    publisher: Publisher
    feeds: Annotated[tuple[str, ...], Meta(description="feeds that showed it when it was fetched")] = ()
    title: str
    standfirst: str | None = None
    text: Annotated[str | None, Meta(description="paragraphs separated by newlines; null where rights forbid")] = None
    text_source: TextSource = "none"
    word_count: int = 0
    authors: tuple[str, ...] = ()
    section: str | None = None
    keywords: Annotated[tuple[str, ...], Meta(description="the publisher's own")] = ()
    genre: Genre = "other"
    sponsored: bool = False
    image: Image | None = None
    access: Access = Access()
    rights: Rights = Rights()
    agency: Annotated[tuple[str, ...], Meta(description="news agencies credited")] = ()
    published_at: Annotated[Instant | None, Meta(description="the publisher's claim, null if it makes none")] = None
    published_precision: Precision = "none"
    modified_at: Instant | None = None
    problems: tuple[str, ...] = ()


class FetchedArticle(ArticleCore, frozen=True, kw_only=True, tag_field="type", tag="fetched"):
    """One reading of one article's page."""

    language_hint: Annotated[str | None, Meta(description="the feed's language, for texts too short to tell")] = None
    discovered_at: Annotated[Instant, Meta(description="when a feed first showed it to us")]
    fetched_at: Annotated[Instant, Meta(description="when the page was read; orders the readings of one article")]
    reading: Annotated[int, Meta(description="counts the changes that the feed announced; 0 if unknown", ge=0)] = 0


class UniqueArticle(ArticleCore, frozen=True, kw_only=True, tag_field="type", tag="unique"):
    """A reading that differs from all before it."""

    language_hint: str | None = None
    discovered_at: Annotated[Instant, Meta(description="when a feed first showed the article, in all revisions")]
    first_published_at: Annotated[Instant | None, Meta(description="the publisher's first claim, in all revisions")]
    fetched_at: Instant
    revision: Annotated[int, Meta(ge=1)]
    accepted_at: Annotated[Instant, Meta(description="dedupe's clock at the article's first revision")]
    revised_at: Annotated[Instant, Meta(description="dedupe's clock at this revision")]
    change: Change | None = None


class TaggedArticle(ArticleCore, frozen=True, kw_only=True, tag_field="type", tag="tagged"):
    """A unique article with its labels."""

    revision: Annotated[int, Meta(ge=1)]
    version: Annotated[int, Meta(ge=1 << RUN_BITS, description="revision << 20 | run; never decreases on one key")]
    labels_release: Annotated[str, Meta(description="release of models and lexicons that made the labels")]
    change: Change | None = None
    language: str
    entities: Entities = Entities()
    places: Places = Places()
    primary_place: str | None = None
    topics: Topics = Topics()
    keyphrases: tuple[str, ...] = ()
    quotes: Quotes = Quotes()
    accepted_at: Instant
    timeline: Timeline
    provenance: Provenance


class EnrichedArticle(TaggedArticle, frozen=True, kw_only=True, tag_field="type", tag="article"):
    """The contract with subscribers: a tagged article and its story."""

    story: Story


class Withdrawal(Struct, frozen=True, kw_only=True, tag_field="type", tag="withdrawal"):
    """An article that must go from every place we keep it in. Carries no text."""

    article_id: ArticleId
    url: str | None = None
    reason: Annotated[str, Meta(description="forgotten | withdrawn_by_publisher")]
    requested_at: Instant
    revision: Annotated[int, Meta(description="0 until dedupe has numbered it", ge=0)] = 0


class Trace(Struct, frozen=True, kw_only=True, tag_field="type", tag="trace"):
    """What became of one reading of an entry at one stage. Delivered twice, it has the same `trace_id`."""

    trace_id: str
    article_id: ArticleId
    url: str | None = None
    title: str | None = None
    publisher_id: str | None = None
    feed: str | None = None
    stage: Stage
    disposition: Disposition
    detail: str | None = None
    revision: int | None = None
    at: Instant


class DeadLetter(Struct, frozen=True, kw_only=True):
    """Why a message was set aside. Travels as the header `kiosque-dead-letter`: the record itself stays as it was."""

    reason: str
    stage: Stage
    detail: str
    kafka_topic: str
    partition: int
    offset: int
    at: Instant
    attempts: Annotated[int, Meta(description="how often it was set aside, this time included")] = 1


class LetterClosed(Struct, frozen=True, kw_only=True):
    """What a person did with a dead letter. Travels as a header on articles.dead, behind the letter itself."""

    partition: int
    offset: int
    how: Literal["replayed", "dropped"]
    at: Instant

"""What the publishers say at one moment: which articles are out, and in which version. Pure.

An article is out from its time of publication. A corrected article shows its second version a while after a poller
first read its page, so that whoever watches sees both.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deploy.newsstand.model import Article, Block, Feed, Publisher, Stand

FEED_LENGTH = 20
RELATED_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """An article as it stands at one moment; `revision` counts from 1, times are aware UTC in whole seconds."""

    article: Article
    url: str
    title: str
    blocks: tuple[Block, ...]
    published_at: datetime
    modified_at: datetime
    revision: int


def corrected_at(stand: Stand, article: Article, reads: Mapping[str, datetime]) -> datetime | None:
    """The moment from which the second version shows; None without a correction or before the first reading."""
    first_read = reads.get(article.name)
    if article.correction is None or first_read is None:
        return None
    return first_read + timedelta(seconds=stand.correct_after_seconds)


def shown(stand: Stand, article: Article, now: datetime, reads: Mapping[str, datetime]) -> Shown | None:
    """The article as it stands now; None before it is published."""
    published_at = stand.opened_at + article.published
    if now < published_at:
        return None
    first = Shown(article, stand.url_of(article), article.title, article.blocks, published_at, published_at, 1)
    correction, moment = article.correction, corrected_at(stand, article, reads)
    if correction is None or moment is None or now < moment:
        return first
    corrected = replace(article.blocks[correction.paragraph], text=correction.text)
    blocks = (*article.blocks[: correction.paragraph], corrected, *article.blocks[correction.paragraph + 1 :])
    modified_at = moment.replace(microsecond=0)
    return replace(first, title=correction.title, blocks=blocks, modified_at=modified_at, revision=2)


def shelf(stand: Stand, publisher: Publisher, now: datetime, reads: Mapping[str, datetime]) -> tuple[Shown, ...]:
    """Everything that a publisher has out now, newest first."""
    own = (article for article in stand.articles if article.publisher == publisher.id)
    out = [view for article in own if (view := shown(stand, article, now, reads)) is not None]
    return tuple(sorted(out, key=lambda view: (view.published_at, view.article.name), reverse=True))


def related(view: Shown, views: tuple[Shown, ...]) -> tuple[Shown, ...]:
    """The other articles that a page links to: the newest; none where a cookie wall stands for the page."""
    if view.article.wall == "cookies":
        return ()
    return tuple(other for other in views if other is not view)[:RELATED_LENGTH]


def feed_entries(
    stand: Stand, publisher: Publisher, feed: Feed, now: datetime, reads: Mapping[str, datetime]
) -> tuple[Shown, ...]:
    """The entries of a feed now, newest first, at most `FEED_LENGTH` of them."""
    return tuple(view for view in shelf(stand, publisher, now, reads) if feed.name in view.article.feeds)[:FEED_LENGTH]


def last_modified(stand: Stand, views: tuple[Shown, ...]) -> datetime:
    """The latest change among what a page or feed shows; the opening day's eve where it shows nothing."""
    eve = stand.opened_at - timedelta(days=1)
    return max((view.modified_at for view in views), default=eve)

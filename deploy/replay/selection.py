"""Which articles a replay is about. Pure."""

from datetime import UTC, datetime

from msgspec import Struct

from deploy.errors import UserError
from producers.canonical import article_id, canonical_url
from schemas.messages import EnrichedArticle


class Selection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Articles that have all that is named; nothing named: all articles.

    Attributes:
        publisher: its id, the registrable domain.
        url: canonical URL of one article.
        since: accepted at this moment or later.
        until: accepted before it.
    """

    publisher: str | None = None
    url: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def key(self) -> bytes | None:
        """The record key of the one article that is meant, or None."""
        return article_id(self.url).encode() if self.url is not None else None

    def covers(self, article: EnrichedArticle) -> bool:
        """Whether the article is meant."""
        return (
            (self.publisher is None or article.publisher.id == self.publisher)
            and (self.url is None or article.article_id == article_id(self.url))
            and (self.since is None or article.accepted_at >= self.since)
            and (self.until is None or article.accepted_at < self.until)
        )


def selection(
    *, everything: bool, publisher: str | None, url: str | None, since: datetime | None, until: datetime | None
) -> Selection:
    """What the options ask for.

    Args:
        everything: all articles, said on purpose.
        publisher: as in Selection.
        url: the article's address, in any spelling.
        since: naive moments are the machine's local time.
        until: the same.

    Raises:
        UserError: nothing is named, --all together with something narrower, an impossible period, or no URL.
    """
    narrowed = any(value is not None for value in (publisher, url, since, until))
    if everything and narrowed:
        raise UserError("--all and a narrower choice exclude each other", "leave one of them out")
    if not everything and not narrowed:
        raise UserError(
            "nothing is chosen to be labelled anew", "name --publisher, --article, --since or --until, or say --all"
        )
    begin, end = _aware(since), _aware(until)
    if begin is not None and end is not None and begin >= end:
        raise UserError("--since is not before --until", "exchange them")
    try:
        canonical = canonical_url(url) if url is not None else None
    except ValueError as error:
        raise UserError(f"{url!r} is not the address of an article ({error})", "give its http or https URL") from error
    return Selection(publisher=publisher, url=canonical, since=begin, until=end)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None

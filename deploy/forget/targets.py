"""What is to be forgotten -> the orders that say so, and which articles they concern. Pure.

An order holds for what comes later, for ever; so it must say what it covers in the words that stages compare: the id of
an article, the beginning of its canonical URL, the id of its publisher. An article that is known under another address
than its own gets an order of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from deploy.errors import UserError
from producers.canonical import article_id, canonical_url
from schemas.articles import ArticleId
from schemas.withdrawals import WithdrawalOrder

Reason = Literal["forgotten", "withdrawn_by_publisher"]


@dataclass(frozen=True)
class Targets:
    """What a person asked for.

    Attributes:
        urls: canonical.
        prefixes: beginnings of canonical URLs, a host and a slash at least.
        publishers: ids.
    """

    urls: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()


class SightedPublisher(Struct, frozen=True):
    """The publisher in a message of an article."""

    id: str


class Sighting(Struct, frozen=True, kw_only=True):
    """The part of a message on articles.fetched, articles.enriched or articles.trace that tells which article it is.

    Attributes:
        url_aliases: other addresses of the article, canonical.
        publisher: in messages of articles.
        publisher_id: in traces.
    """

    article_id: ArticleId
    url: str | None = None
    url_aliases: tuple[str, ...] = ()
    publisher: SightedPublisher | None = None
    publisher_id: str | None = None


def targets(urls: Iterable[str], prefixes: Iterable[str], publishers: Iterable[str]) -> Targets:
    """What the arguments of a command line name, each once.

    Raises:
        UserError: nothing is named, or something that is no address or no publisher's id.
    """
    found = Targets(
        tuple(dict.fromkeys(_canonical(url) for url in urls)),
        tuple(dict.fromkeys(_prefix(prefix) for prefix in prefixes)),
        tuple(dict.fromkeys(_publisher(publisher) for publisher in publishers)),
    )
    if found == Targets():
        raise UserError("nothing is to be forgotten", "name addresses, --prefix or --publisher")
    return found


def _canonical(url: str) -> str:
    try:
        return canonical_url(url)
    except ValueError as error:
        raise UserError(f"{url!r} is no address of an article", "give it whole, with https://") from error


def _prefix(prefix: str) -> str:
    """A prefix is compared letter by letter; one that is spelt otherwise than canonical URLs would cover nothing.

    It is not corrected in silence: correcting cuts some endings, and would forget more than was asked for.
    """
    canonical = _canonical(prefix)
    if canonical not in {prefix, f"{prefix}/"}:
        raise UserError(
            f"{prefix!r} is not how canonical addresses begin", f"give --prefix {canonical} if that is meant"
        )
    return canonical


def _publisher(publisher: str) -> str:
    if not publisher or "/" in publisher or any(character.isspace() for character in publisher):
        raise UserError(f"{publisher!r} is no publisher's id", "give its domain as the catalogue has it (lemonde.fr)")
    return publisher


def orders(asked: Targets, reason: Reason, at: datetime) -> list[WithdrawalOrder]:
    """The orders for what was asked."""
    articles = article_orders((article_id(url) for url in asked.urls), reason, at)
    prefixes = [WithdrawalOrder(scope="prefix", target=p, reason=reason, requested_at=at) for p in asked.prefixes]
    publishers = [
        WithdrawalOrder(scope="publisher", target=p, reason=reason, requested_at=at) for p in asked.publishers
    ]
    return [*articles, *prefixes, *publishers]


def article_orders(article_ids: Iterable[str], reason: Reason, at: datetime) -> list[WithdrawalOrder]:
    """An order for each article."""
    return [WithdrawalOrder(scope="article", target=one, reason=reason, requested_at=at) for one in article_ids]


class Concerned:
    """The articles that the targets concern, as far as they have been seen. Grows; keeps ids and addresses only.

    Attributes:
        articles: article_id -> its address, None if nobody said it.
        aliased: ids of those that the targets reach under another address only.
    """

    def __init__(self, asked: Targets) -> None:
        self._ids = {article_id(url) for url in asked.urls}
        self._urls = frozenset(asked.urls)
        self._prefixes: Sequence[str] = asked.prefixes
        self._publishers = frozenset(asked.publishers)
        self.articles: dict[str, str | None] = {article_id(url): url for url in asked.urls}
        self.aliased: dict[str, None] = {}

    def note(self, sighting: Sighting) -> None:
        """Take over a sighting if it is of a concerned article."""
        if not self._covers(sighting):
            if not any(self._reaches(alias) for alias in sighting.url_aliases):
                return
            self.aliased[sighting.article_id] = None
        self.note_id(sighting.article_id, sighting.url)

    def note_id(self, article: str, url: str | None = None) -> None:
        """Take over an article that is concerned."""
        self.articles[article] = url or self.articles.get(article)

    def _covers(self, sighting: Sighting) -> bool:
        """Whether an order of the targets covers it; the same answer as WithdrawalOrders.covering."""
        publisher = sighting.publisher.id if sighting.publisher else sighting.publisher_id
        return (
            sighting.article_id in self._ids
            or publisher in self._publishers
            or any((sighting.url or "").startswith(prefix) for prefix in self._prefixes)
        )

    def _reaches(self, url: str) -> bool:
        return url in self._urls or any(url.startswith(prefix) for prefix in self._prefixes)

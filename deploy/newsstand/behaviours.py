"""The table of everything the newsstand does that the real web does, and which addresses show it. Pure.

The front page prints this table; tests and demo look up addresses in it rather than knowing them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from deploy.newsstand.model import Article, FeedAnswer, Stand

BEFORE_START = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A named behaviour, what a reader of the web sees of it, and the URLs of a stand that show it."""

    name: str
    meaning: str
    urls: Callable[[Stand], tuple[str, ...]]


def _articles(test: Callable[[Stand, Article], bool]) -> Callable[[Stand], tuple[str, ...]]:
    return lambda stand: tuple(stand.url_of(article) for article in stand.articles if test(stand, article))


def _feeds(answer: FeedAnswer) -> Callable[[Stand], tuple[str, ...]]:
    return lambda stand: tuple(
        feed.url for publisher in stand.publishers for feed in publisher.feeds if feed.answer == answer
    )


def _narrow_feeds(stand: Stand) -> tuple[str, ...]:
    return tuple(feed.url for publisher in stand.publishers for feed in publisher.feeds if feed.encoding != "utf-8")


def is_disallowed(stand: Stand, article: Article) -> bool:
    """Whether the robots.txt of the article's host forbids its page."""
    return article.path.startswith(stand.publisher_by_id[article.publisher].disallow)


BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        "corrected", "title and a paragraph change after the first reading", _articles(lambda _, a: bool(a.correction))
    ),
    Behaviour(
        "agency_original",
        "a news agency's own page of a text that others take over",
        _articles(lambda s, a: any(a.name == other.copy_of for other in s.articles)),
    ),
    Behaviour(
        "agency_copy", "the agency's text, word for word, with credit", _articles(lambda _, a: a.relation == "copy")
    ),
    Behaviour(
        "agency_edited", "the same with its own title and some words", _articles(lambda _, a: a.relation == "edited")
    ),
    Behaviour("agency_brief", "the first paragraphs of it", _articles(lambda _, a: a.relation == "brief")),
    Behaviour("two_feeds", "one article in two feeds of its publisher", _articles(lambda _, a: len(a.feeds) > 1)),
    Behaviour(
        "paywalled", "a teaser, the rest for subscribers; JSON-LD says so", _articles(lambda _, a: a.wall == "paywall")
    ),
    Behaviour(
        "cookie_wall",
        "200 with a request for consent and no article: the feed's summary is what is left",
        _articles(lambda _, a: a.wall == "cookies"),
    ),
    Behaviour("robots_disallowed", "announced in a feed, forbidden by robots.txt", _articles(is_disallowed)),
    Behaviour("published_late", "appears after opening", _articles(lambda _, a: a.published > timedelta(0))),
    Behaviour("before_start", "older than 48 hours at opening", _articles(lambda _, a: a.published <= -BEFORE_START)),
    Behaviour("not_french", "in another language than its publisher", _articles(lambda _, a: a.language != "fr")),
    Behaviour(
        "slow_host",
        "every page comes late",
        _articles(lambda s, a: s.publisher_by_id[a.publisher].slow),
    ),
    Behaviour("moved_permanently", "301 to the feed's new address", _feeds("moved")),
    Behaviour("gone", "410: the feed is closed for good", _feeds("gone")),
    Behaviour("html_at_feed_url", "200 with an HTML page where a feed was", _feeds("html")),
    Behaviour("too_many_requests", "429 with Retry-After at first, then the feed", _feeds("too_many_requests")),
    Behaviour("narrow_encoding", "a feed in windows-1252", _narrow_feeds),
)

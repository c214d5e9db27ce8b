"""Values for the producers' tests: a moment, an entry, a pending page, a feed; and the smallest doubles."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from producers.canonical import article_id
from producers.catalogue import Feed
from producers.entries import Entry
from producers.records import FeedState, PendingPage, Seen
from schemas.articles import Publisher
from schemas.messages import FetchedArticle, Trace

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PUBLISHER = Publisher(id="lecanal.example", name="Le Canal", kind="regional")
FEED_URL = "https://www.lecanal.example/rss.xml"


def feed(**changes: Any) -> Feed:
    return msgspec.structs.replace(
        Feed(url=FEED_URL, publisher=PUBLISHER, group="lecanal.example", section="Ports"), **changes
    )


def entry(number: int = 1, **changes: Any) -> Entry:
    url = f"https://www.lecanal.example/article-{number}.html"
    plain = Entry(
        id=article_id(url),
        url=url,
        link=url + "#xtor=RSS-1",
        title=f"Une péniche traverse l’écluse numéro {number}",
        summary=f"Résumé de l’article {number}.",
        published_at=NOON - timedelta(minutes=number),
        published_precision="second",
    )
    return msgspec.structs.replace(plain, **changes)


def pending(number: int = 1, **changes: Any) -> PendingPage:
    plain = PendingPage(
        entry=entry(number),
        kind="new",
        publisher=PUBLISHER,
        feed=FEED_URL,
        group="lecanal.example",
        section="Ports",
        language="fr",
        discovered_at=NOON,
    )
    return msgspec.structs.replace(plain, **changes)


def feed_state(**changes: Any) -> FeedState:
    plain = FeedState(
        url=FEED_URL,
        group="lecanal.example",
        etag='W/"abc"',
        last_modified="Sat, 14 Mar 2026 10:00:00 GMT",
        status="200",
        last_polled_at=NOON,
        last_read_at=NOON,
        next_poll_at=NOON + timedelta(minutes=5),
        seen={entry(1).id: Seen("00000000000000aa", 1773489600)},
    )
    return msgspec.structs.replace(plain, **changes)


def fetched_article(number: int = 1, **changes: Any) -> FetchedArticle:
    known = entry(number)
    plain = FetchedArticle(
        article_id=known.id,
        url=known.url,
        publisher=PUBLISHER,
        title=known.title,
        text="Le texte.",
        text_source="page",
        word_count=2,
        discovered_at=NOON,
        fetched_at=NOON,
    )
    return msgspec.structs.replace(plain, **changes)


def trace(number: int = 1) -> Trace:
    known = entry(number)
    return Trace(trace_id=f"{number:032x}", article_id=known.id, stage="poll", disposition="fetched", at=NOON)


class RecordedMetrics:
    """Metrics that a test can read."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.gauges: dict[tuple[str, ...], float] = {}

    def count(self, name: str, value: float = 1, /, **labels: str) -> None:
        self.counts[name, *labels.values()] += int(value)

    def gauge(self, name: str, value: float, /, **labels: str) -> None:
        self.gauges[name, *labels.values()] = value

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        pass

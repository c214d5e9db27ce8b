"""Articles, withdrawals and traces out of this room: a protocol, Kafka's body and the one in memory.

`publish` and `trace` return when the record is acknowledged; only then may the outbox forget the entry. One contract
suite (tests/contracts/test_publisher.py) holds both bodies to that.
"""

from typing import Protocol

from producers.errors import RecordTooLarge
from producers.kafka_writer import KafkaWriter
from schemas import codec
from schemas.kafka_topics import FETCHED, TRACE, full_name
from schemas.limits import MAX_RECORD_BYTES
from schemas.messages import FetchedArticle, Trace


class ArticlePublisher(Protocol):
    """Where articles and traces go."""

    async def publish(self, article: FetchedArticle) -> None:
        """Returns when the article is acknowledged. Raises RecordTooLarge; nothing was sent then."""

    async def trace(self, trace: Trace) -> None:
        """Returns when the trace is acknowledged."""


class KafkaPublisher:
    """Writes to articles.fetched and articles.trace, keyed by article_id (murmur2 gives the partition).

    Args:
        writer: shared with the poller's memory.
        topic_prefix: of the installation.
    """

    def __init__(self, writer: KafkaWriter, topic_prefix: str) -> None:
        self._writer = writer
        self._fetched = full_name(FETCHED, topic_prefix)
        self._trace = full_name(TRACE, topic_prefix)

    async def publish(self, article: FetchedArticle) -> None:
        """See ArticlePublisher."""
        await self._writer.write(self._fetched, key=article.article_id.encode(), value=codec.encode(article))

    async def trace(self, trace: Trace) -> None:
        """See ArticlePublisher."""
        await self._writer.write(self._trace, key=trace.article_id.encode(), value=codec.encode(trace))


class InMemoryPublisher:
    """Keeps what was published in lists; for tests and dry runs."""

    def __init__(self) -> None:
        self.articles: list[FetchedArticle] = []
        self.traces: list[Trace] = []

    async def publish(self, article: FetchedArticle) -> None:
        """See ArticlePublisher."""
        size = len(codec.encode(article))
        if size > MAX_RECORD_BYTES:
            raise RecordTooLarge(f"{size} bytes for {article.article_id}")
        self.articles.append(article)

    async def trace(self, trace: Trace) -> None:
        """See ArticlePublisher."""
        self.traces.append(trace)

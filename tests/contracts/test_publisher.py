"""What every ArticlePublisher does: the one in memory and Kafka's. `servers`: the latter."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from kafka.partitioner.default import murmur2

from deploy.stack.local_stack import LocalStack
from producers.errors import RecordTooLarge
from producers.kafka_writer import KafkaWriter
from producers.publisher import ArticlePublisher, InMemoryPublisher, KafkaPublisher
from schemas import codec
from schemas.kafka_topics import FETCHED, TRACE
from schemas.messages import FetchedArticle, Trace
from tests.contracts.kafka_installation import create_topics, read_topic
from tests.producers.samples import fetched_article, trace


@dataclass
class Body:
    """A publisher, and what a reader of its topics finds."""

    publisher: ArticlePublisher
    articles: Callable[[], list[FetchedArticle]]
    traces: Callable[[], list[Trace]]


@pytest.fixture
def bootstrap(stack: LocalStack) -> str:
    return stack.kafka


class PublisherContract:
    async def test_what_is_published_can_be_read(self, body: Body) -> None:
        await body.publisher.publish(fetched_article(1))
        await body.publisher.publish(fetched_article(2))

        assert sorted(body.articles(), key=lambda article: article.url) == [fetched_article(1), fetched_article(2)]

    async def test_the_readings_of_one_article_keep_their_order(self, body: Body) -> None:
        readings = [fetched_article(1, title=f"Titre {number}") for number in range(20)]
        for reading in readings:
            await body.publisher.publish(reading)

        assert body.articles() == readings

    async def test_traces_are_kept_apart(self, body: Body) -> None:
        await body.publisher.trace(trace(1))

        assert body.articles() == []
        assert body.traces() == [trace(1)]

    async def test_a_record_that_kafka_would_refuse_is_not_sent(self, body: Body) -> None:
        with pytest.raises(RecordTooLarge):
            await body.publisher.publish(fetched_article(1, text="x" * 800_000))
        await body.publisher.publish(fetched_article(2))

        assert body.articles() == [fetched_article(2)]


class TestInMemory(PublisherContract):
    @pytest.fixture
    def body(self) -> Body:
        publisher = InMemoryPublisher()
        return Body(publisher, lambda: publisher.articles, lambda: publisher.traces)


@pytest.mark.servers
class TestKafka(PublisherContract):
    @pytest.fixture
    async def body(self, bootstrap: str) -> AsyncIterator[Body]:
        prefix = create_topics(bootstrap, FETCHED, TRACE)
        writer = KafkaWriter(bootstrap, "contract")

        def articles() -> list[FetchedArticle]:
            found = [codec.decode_fetched(record.value) for record in read_topic(bootstrap, FETCHED, prefix)]
            return [article for article in found if isinstance(article, FetchedArticle)]

        def traces() -> list[Trace]:
            return [codec.decode_trace(record.value) for record in read_topic(bootstrap, TRACE, prefix)]

        yield Body(KafkaPublisher(writer, prefix), articles, traces)
        await writer.close()

    async def test_the_key_is_the_article_id_and_gives_the_partition(self, bootstrap: str) -> None:
        prefix = create_topics(bootstrap, FETCHED)
        writer = KafkaWriter(bootstrap, "contract")
        await KafkaPublisher(writer, prefix).publish(fetched_article(1))
        await writer.close()

        (record,) = read_topic(bootstrap, FETCHED, prefix)
        key = fetched_article(1).article_id.encode()
        assert (record.key, record.partition) == (key, (murmur2(key) & 0x7FFFFFFF) % FETCHED.partitions)

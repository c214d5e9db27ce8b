"""One real message of each type, made by the stages themselves from a newsstand article and a fixed clock.

    python -m deploy.contract_examples            write schemas/examples/VERSION/
    python -m deploy.contract_examples --check    fail if what is committed is not what the stages make

Subscribers test their readers against these files. Those of earlier contract versions stay, and stay readable
(tests/schemas/test_examples.py).
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

import schemas
from deploy.newsstand import Article, load_stand
from processors.cluster import ClusterMemory, ClusterStage
from processors.dedupe import DedupeMemory, DedupeStage
from processors.enrich import NotFrench, Tagger
from processors.records import Arrival, Outgoing
from processors.stages import FormerNeeded
from producers.canonical import article_id
from schemas import kafka_topics
from schemas.articles import Access, Publisher
from schemas.codec import decode_unique, encode
from schemas.generate import CONTRACT_VERSION
from schemas.messages import FetchedArticle, Withdrawal
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key

EXAMPLES: Final = Path(schemas.__file__).parent / "examples" / CONTRACT_VERSION
ARTICLE: Final = "phare-ecole-rennes"
OPENED: Final = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)


class Pipeline:
    """The pure stages, one after the other, on a clock that goes one second a step."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._dedupe, self._dedupe_memory = DedupeStage(), DedupeMemory()
        self._cluster, self._cluster_memory = ClusterStage(), ClusterMemory(timedelta(hours=72))
        self._now = OPENED + timedelta(seconds=2)
        self._log: list[bytes] = []
        self._orders = WithdrawalOrders()

    def publish(self, message: FetchedArticle | Withdrawal) -> list[Outgoing]:
        """articles.fetched: what dedupe makes of it."""
        arrival = Arrival(0, len(self._log), message.article_id.encode(), encode(message))
        self._log.append(arrival.value or b"")
        effect = self._dedupe.effect(self._dedupe_memory, arrival, self._orders, self._tick())
        if isinstance(effect, FormerNeeded):
            effect = effect.finish(self._log[effect.offset])
        self._dedupe_memory.load(arrival.key or b"", effect.state)
        return list(effect.outputs)

    def tag(self, unique: Outgoing, run: int = 0) -> bytes:
        """articles.unique: the tagged article, or the withdrawal as it is."""
        message = decode_unique(unique.value or b"")
        if isinstance(message, Withdrawal):
            return unique.value or b""
        tagged = self._tagger.tag(message, now=self._tick(), run=run)
        assert not isinstance(tagged, NotFrench)  # noqa: S101  # the example is French
        return encode(tagged)

    def cluster(self, key: bytes, tagged: bytes) -> Outgoing:
        """articles.tagged: the enriched article or the tombstone."""
        effect = self._cluster.effect(self._cluster_memory, Arrival(0, 0, key, tagged), self._orders, self._tick())
        self._cluster_memory.load(key, effect.state)
        return effect.outputs[0]

    def _tick(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def fetched(article: Article, *, corrected: bool) -> FetchedArticle:
    """A reading of the article's page, before or after its correction."""
    stand = load_stand(OPENED)
    publisher = stand.publisher_by_id[article.publisher]
    url = stand.url_of(article)
    correction = article.correction if corrected else None
    paragraphs = [block.text for block in article.blocks]
    if correction:
        paragraphs[correction.paragraph] = correction.text
    text = "\n".join(paragraphs)
    return FetchedArticle(
        article_id=article_id(url),
        url=url,
        publisher=Publisher(id=publisher.id, name=publisher.name, kind="regional", coverage=publisher.coverage),
        feeds=(publisher.feeds[0].url,),
        title=correction.title if correction else article.title,
        standfirst=article.standfirst,
        text=text,
        text_source="page",
        word_count=len(text.split()),
        authors=article.authors,
        section=article.section,
        keywords=article.categories,
        genre="report",
        access=Access(status="free", evidence=("json-ld isAccessibleForFree",)),
        published_at=OPENED + article.published,
        published_precision="second",
        language_hint="fr",
        discovered_at=OPENED,
        fetched_at=OPENED + timedelta(seconds=60 if corrected else 1),
        reading=2 if corrected else 1,
    )


def examples(tagger: Tagger) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name -> record, for every message type and every kind of event."""
    article = load_stand(OPENED).article_by_name[ARTICLE]
    pipeline = Pipeline(tagger)
    first, later = fetched(article, corrected=False), fetched(article, corrected=True)
    key = first.article_id.encode()
    yield "fetched_article", _record(Outgoing(kafka_topics.FETCHED, key, encode(first)))
    unique, accepted = pipeline.publish(first)
    yield "unique_article", _record(unique)
    yield "trace", _record(accepted)
    tagged = pipeline.tag(unique)
    yield "tagged_article", _record(Outgoing(kafka_topics.TAGGED, key, tagged))
    yield "article_created", _record(pipeline.cluster(key, tagged))
    revised, *_ = pipeline.publish(later)
    yield "article_revised", _record(pipeline.cluster(key, pipeline.tag(revised)))
    yield "article_relabelled", _record(pipeline.cluster(key, pipeline.tag(revised, run=1)))
    order = Withdrawal(article_id=first.article_id, url=first.url, reason="forgotten", requested_at=later.fetched_at)
    yield "withdrawal", _record(Outgoing(kafka_topics.FETCHED, key, encode(order)))
    standing = WithdrawalOrder(scope="article", target=first.article_id, requested_at=later.fetched_at)
    yield (
        "withdrawal_order",
        _record(Outgoing(kafka_topics.WITHDRAWALS, order_key(standing).encode(), encode(standing))),
    )
    withdrawn, *_ = pipeline.publish(order)
    yield "article_withdrawn", _record(pipeline.cluster(key, pipeline.tag(withdrawn)))


def _record(outgoing: Outgoing) -> dict[str, Any]:
    return {
        "kafka_topic": outgoing.kafka_topic.name,
        "key": outgoing.key.decode(),
        "headers": {name: value.decode() for name, value in outgoing.headers or ()},
        "value": msgspec.json.decode(outgoing.value) if outgoing.value is not None else None,
    }


def main(arguments: Sequence[str]) -> int:
    """Write or check; 1 if a check fails."""
    made = {f"{name}.json": _formatted(record) for name, record in examples(Tagger.load())}
    if list(arguments) == ["--check"]:
        stale = [name for name, content in made.items() if not _same(EXAMPLES / name, content)]
        if stale:
            sys.stderr.write(f"stale in {EXAMPLES}: {', '.join(stale)}; run `make generate`\n")
        return 1 if stale else 0
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        (EXAMPLES / name).write_bytes(content)
    return 0


def _formatted(record: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _same(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A whole installation in memory for the audit: real decisions of the stages, on topics of two partitions each.

Labels are a stand-in: a title that begins with `en:` is in another language, one that begins with `faulty` is set aside
by enrich, and an address with `unwanted` by the sink. Every record is written a second after the one before.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from deploy.audit.facts import Place
from deploy.audit.operation import Report, audit
from deploy.audit.records import FactMaker
from processors.cluster import ClusterMemory, ClusterStage
from processors.dead_letters import dead_letter
from processors.dedupe import DedupeMemory, DedupeStage
from processors.records import Arrival, Outgoing
from processors.stages import FormerNeeded, Rejected, trace
from schemas import kafka_topics
from schemas.articles import Timeline
from schemas.codec import decode_tagged, decode_unique, encode
from schemas.headers import REPLAY_OF, dead_letter_headers, dead_letter_of, version_header
from schemas.kafka_topics import KafkaTopic
from schemas.labels import Provenance
from schemas.messages import DeadLetter, FetchedArticle, TaggedArticle, UniqueArticle, Withdrawal, version_of
from schemas.withdrawals import WithdrawalOrder, WithdrawalOrders, order_key
from sinks.mapping import index_names
from sinks.memory_store import MemoryStore
from sinks.operations import Plan, plan
from sinks.records import Partition, Record
from sinks.scan import StoredVersion
from tests.articles import NOON, article_id, fetched

NAMES = index_names("essai")
_CORE = set(UniqueArticle.__struct_fields__) & set(TaggedArticle.__struct_fields__)


class Stored(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Installation:
    def __init__(self) -> None:
        self.topics: dict[str, list[Stored]] = defaultdict(list)
        self.orders = WithdrawalOrders()
        self.store = MemoryStore(NAMES)
        self.second_index: set[str] = set()
        self.uncommitted = 0
        self._dedupe = [DedupeMemory(), DedupeMemory()]
        self._cluster = ClusterMemory(timedelta(hours=72))
        self._taken: dict[str, int] = defaultdict(int)
        self._run = 0
        self.now = NOON

    def write(
        self, topic: KafkaTopic, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self.now += timedelta(seconds=1)
        partition = zlib.crc32(key or b"") % 2
        offset = sum(record.partition == partition for record in self.topics[topic.name])
        millis = int(self.now.timestamp() * 1000)
        self.topics[topic.name].append(Stored(partition, offset, millis, key, value, tuple(headers)))

    def publish(self, name: str, content: str, minute: int, title: str = "Titre", number: int = 0) -> None:
        at = NOON + timedelta(minutes=minute)
        message = fetched(name, title=title, text=f"Texte de {name} : {content}.", fetched_at=at, reading=number)
        self._send(kafka_topics.FETCHED, message)

    def withdraw(self, name: str) -> None:
        message = Withdrawal(article_id=id_of(name), reason="withdrawn_by_publisher", requested_at=NOON)
        self._send(kafka_topics.FETCHED, message)

    def forget(self, name: str) -> None:
        """The order, and the withdrawal of an article that is known."""
        order = WithdrawalOrder(scope="article", target=id_of(name), requested_at=NOON)
        self.orders.load(order_key(order), order)
        if any(record.key == id_of(name).encode() for record in self.topics["articles.fetched"]):
            self.withdraw(name)

    def replay(self) -> None:
        """Label everything that stands anew."""
        self._run += 1
        last = {record.key: record for record in self.topics["articles.enriched"]}
        for record in last.values():
            if record.value is not None:
                article = decode_tagged(record.value.replace(b'"type":"article"', b'"type":"tagged"'))
                assert isinstance(article, TaggedArticle)
                fields = {name: getattr(article, name) for name in TaggedArticle.__struct_fields__}
                fields["version"] = version_of(article.revision, self._run)
                self._send(kafka_topics.REENRICH, TaggedArticle(**fields))

    def try_letters_again(self) -> None:
        """Send every dead letter back to where it came from, once."""
        for record in self.topics["articles.dead"][self._taken["articles.dead"] :]:
            letter = dead_letter_of(record.headers)
            assert letter is not None
            topic = next(one for one in kafka_topics.ALL if one.name == letter.kafka_topic)
            topic = kafka_topics.REDELIVERED if letter.stage == "index" else topic
            headers = [*record.headers, (REPLAY_OF, b"articles.dead:0:0")]
            self.write(topic, record.key, record.value, headers)
        self._taken["articles.dead"] = len(self.topics["articles.dead"])

    def run(self) -> None:
        """Every stage to the end of its input."""
        self.dedupe()
        self.enrich()
        self.reenrich()
        self.cluster()
        self.index()

    def dedupe(self) -> None:
        for record in self._new(kafka_topics.FETCHED):
            memory, arrival = self._dedupe[record.partition], _arrival(record)
            try:
                effect = DedupeStage().effect(memory, arrival, self.orders, self.now)
            except Rejected as rejected:
                self._write(dead_letter("dedupe", "articles.fetched", arrival, rejected, self.now))
                continue
            if isinstance(effect, FormerNeeded):
                effect = effect.finish(None)
            if effect.state is not None:
                memory.load(record.key or b"", effect.state)
            for output in effect.outputs:
                self._write(output)

    def enrich(self) -> None:
        for record in self._new(kafka_topics.UNIQUE):
            message = decode_unique(record.value or b"")
            again = any(name == REPLAY_OF for name, _ in record.headers)
            if isinstance(message, Withdrawal):
                self._send(kafka_topics.TAGGED, message)
            elif message.title.startswith("faulty") and not again:
                rejected = Rejected("internal_error", "KeyError")
                self._write(dead_letter("enrich", "articles.unique", _arrival(record), rejected, self.now))
            elif message.title.startswith("en:"):
                note = trace(
                    "enrich",
                    "not_french",
                    article_id=message.article_id,
                    attempt=str(message.revision),
                    at=self.now,
                    revision=message.revision,
                )
                self._write(note)
            else:
                self._send(kafka_topics.TAGGED, labelled(message), record.headers if again else ())

    def reenrich(self) -> None:
        for record in self._new(kafka_topics.REENRICH):
            self.write(kafka_topics.TAGGED, record.key, record.value)

    def cluster(self) -> None:
        for record in self._new(kafka_topics.TAGGED):
            effect = ClusterStage().effect(self._cluster, _arrival(record), self.orders, self.now)
            if effect.state is not None:
                self._cluster.load(record.key or b"", effect.state)
            for output in effect.outputs:
                self._write(output)

    def index(self) -> None:
        for record in [*self._new(kafka_topics.ENRICHED), *self._new(kafka_topics.REDELIVERED)]:
            again = any(name == REPLAY_OF for name, _ in record.headers)
            if record.value is not None and b"unwanted" in record.value and not again:
                letter = DeadLetter(
                    reason="document_rejected",
                    stage="index",
                    detail="400",
                    kafka_topic="articles.enriched",
                    partition=record.partition,
                    offset=record.offset,
                    at=self.now,
                )
                self.write(kafka_topics.DEAD, record.key, record.value, dead_letter_headers(record.headers, letter))
                continue
            read = Record(Partition("articles.enriched", record.partition), record.offset, *record[3:])
            planned = plan(read, "article", NAMES, self.now, self.orders)
            if isinstance(planned, Plan):
                self.store.write(planned.operations)

    def audited(self, scratch: Path, *, with_index: bool = True) -> Report:
        return audit(
            MemoryTopics(self),
            MemoryDocuments(self) if with_index else None,
            FactMaker("", self.orders, self.now + timedelta(hours=1)),
            scratch=scratch,
            limit=5,
            now=self.now,
            say=lambda line: None,
        )

    def taken(self, topic: KafkaTopic) -> list[Stored]:
        """What the stage that reads the topic has committed; the last `uncommitted` records it has only worked on."""
        return self.topics[topic.name][: max(0, self._taken[topic.name] - self.uncommitted)]

    def _new(self, topic: KafkaTopic) -> list[Stored]:
        start, self._taken[topic.name] = self._taken[topic.name], len(self.topics[topic.name])
        return self.topics[topic.name][start:]

    def _send(self, topic: KafkaTopic, message: FetchedArticle | TaggedArticle | Withdrawal, headers=()) -> None:
        self.write(topic, message.article_id.encode(), encode(message), headers)

    def _write(self, output: Outgoing) -> None:
        self.write(output.kafka_topic, output.key, output.value, output.headers or ())


class MemoryTopics:
    """deploy.audit.operation.Topics; nothing has expired, nothing comes meanwhile."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def extent(self, topic: KafkaTopic) -> int:
        return len(self._installation.topics[topic.name])

    def is_pending(self, topic: KafkaTopic, partition: int, offset: int) -> bool:
        taken = {(record.partition, record.offset) for record in self._installation.taken(topic)}
        return (partition, offset) not in taken

    def records(self, topic: KafkaTopic) -> Iterator[Stored]:
        return iter(self._installation.topics[topic.name])

    def news(self, topic: KafkaTopic) -> Iterator[Stored]:
        return iter(())

    def held_since(self, topic: KafkaTopic, now: datetime) -> int:
        return 0

    def first_written(self, topic: KafkaTopic) -> int:
        return min((record.timestamp // 1000 for record in self.records(topic)), default=0)

    def value(self, place: Place) -> bytes | None:
        found = (
            one for one in self._installation.topics[place.kafka_topic] if (one.partition, one.offset) == place[1:]
        )
        return next(found).value


class MemoryDocuments:
    """deploy.audit.operation.Documents."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._store = installation.store

    def count(self) -> int:
        return len(self._store.documents[NAMES.articles]) + len(self._store.documents[NAMES.revisions])

    def articles(self) -> Iterator[StoredVersion]:
        yield from self._of(NAMES.articles)
        yield from (one for one in self._of(NAMES.articles) if one.id in self._installation.second_index)

    def revisions(self) -> Iterator[StoredVersion]:
        return self._of(NAMES.revisions)

    def url(self, article: str) -> str | None:
        found = self._store.documents[NAMES.articles].get(article)
        return None if found is None else found["url"]

    def _of(self, index: str) -> Iterator[StoredVersion]:
        for id_, document in self._store.documents[index].items():
            yield StoredVersion(index, id_, document["version"], document["url"], document["publisher"]["id"])


def id_of(name: str) -> str:
    return article_id(f"http://www.phare-ouest.example/{name}.html")


def version_of_record(record: Stored) -> int:
    return version_header(record.headers) or 0


def labelled(message: UniqueArticle) -> TaggedArticle:
    return TaggedArticle(
        **{name: getattr(message, name) for name in _CORE},
        version=version_of(message.revision, 0),
        labels_release="essai",
        language="fr",
        timeline=Timeline(discovered=message.discovered_at, fetched=message.fetched_at, accepted=message.revised_at),
        provenance=Provenance(),
    )


def _arrival(record: Stored) -> Arrival:
    return Arrival(record.partition, record.offset, record.key, record.value, record.headers)

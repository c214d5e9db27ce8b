"""Is what came out what must have come out? A linear re-read of what was published, compared with every later place.

    newsstand ─ published.py ─ articles.fetched ─ revisions.py ─ .unique ─ versions.py ─ .tagged ─ .enriched
    .enriched, .trace ─ documents.py ─ the index; letters.py: exactly the malformed set aside, everything committed

Pure: evidence in (evidence.py collects it), sentences out; no sentence means that nothing is lost and nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from deploy.newsstand.expectations import Expectation
from schemas import kafka_topics
from schemas.codec import decode_trace, decode_unique
from schemas.kafka_topics import KafkaTopic
from schemas.withdrawals import WithdrawalOrders
from tests.faults.documents import Index, index_faults
from tests.faults.letters import commit_faults, letter_faults, letters_of, original_faults
from tests.faults.published import newsstand_faults
from tests.faults.revisions import covered_articles, expected_items, revision_faults
from tests.faults.versions import Place, cluster_faults, enrich_faults, last_record_faults, messages
from tests.services import LogRecord

READ_TOPICS = (
    kafka_topics.FETCHED,
    kafka_topics.UNIQUE,
    kafka_topics.REENRICH,
    kafka_topics.TAGGED,
    kafka_topics.ENRICHED,
    kafka_topics.TRACE,
    kafka_topics.REDELIVERED,
)
"""The topics of articles that stages read."""


@dataclass(frozen=True)
class Evidence:
    """All that an installation holds when it has come to rest.

    Attributes:
        topics: topic without prefix -> its committed records, each partition in its order.
        index: what Elasticsearch holds.
        undone: stage -> how many records of its input are not committed.
        orders: all withdrawal orders.
        prefix: of the installation.
        set_aside: records that must be dead letters though they are messages (too large, refused).
    """

    topics: dict[str, list[LogRecord]]
    index: Index = field(default_factory=Index)
    undone: dict[str, int] = field(default_factory=dict)
    orders: WithdrawalOrders = field(default_factory=WithdrawalOrders)
    prefix: str = ""
    set_aside: frozenset[Place] = frozenset()

    def of(self, topic: KafkaTopic) -> list[LogRecord]:
        return self.topics.get(topic.name, [])

    @property
    def dead(self) -> frozenset[Place]:
        return frozenset(letters_of(self.of(kafka_topics.DEAD), self.prefix))


def faults(evidence: Evidence, expected: Sequence[Expectation] = ()) -> list[str]:
    """Everything that is not as it must be, from the source to the index.

    Args:
        evidence: of an installation at rest.
        expected: what the newsstand published, where it was the source.
    """
    covered = covered_articles(evidence.of(kafka_topics.FETCHED), evidence.orders)
    return [
        *newsstand_faults(expected, evidence.of(kafka_topics.FETCHED), evidence.of(kafka_topics.TRACE)),
        *stage_faults(evidence, "dedupe", "enrich", "reenrich", "cluster", "index"),
        *_last_faults(evidence, covered),
    ]


def stage_faults(evidence: Evidence, *stages: str) -> list[str]:
    """What is wrong with these stages alone, whoever wrote their input."""
    covered = covered_articles(evidence.of(kafka_topics.FETCHED), evidence.orders)
    enriched, trace = evidence.of(kafka_topics.ENRICHED), evidence.of(kafka_topics.TRACE)
    unique, reenrich, tagged = (
        evidence.of(topic) for topic in (kafka_topics.UNIQUE, kafka_topics.REENRICH, kafka_topics.TAGGED)
    )
    found: list[str] = []
    if "dedupe" in stages:
        found += revision_faults(evidence.of(kafka_topics.FETCHED), unique, evidence.orders)
    if "enrich" in stages or "reenrich" in stages:
        found += enrich_faults(unique, reenrich, tagged, trace, evidence.dead)
    if "cluster" in stages:
        found += cluster_faults(tagged, enriched, covered)
    if "index" in stages:
        found += index_faults(evidence.index, enriched, trace, evidence.dead, covered)
    return [*found, *dead_faults(evidence), *commit_faults(evidence.undone)]


def dead_faults(evidence: Evidence) -> list[str]:
    """What is wrong with the dead letters."""
    inputs = {topic.name: evidence.of(topic) for topic in READ_TOPICS}
    dead = evidence.of(kafka_topics.DEAD)
    return [
        *letter_faults(inputs, dead, evidence.prefix, evidence.set_aside),
        *original_faults(inputs, dead, evidence.prefix),
    ]


def _last_faults(evidence: Evidence, covered: set[str]) -> list[str]:
    expected = expected_items(evidence.of(kafka_topics.FETCHED))
    ordinary = {article: items for article, items in expected.items() if article not in covered}
    foreign = {
        (message.article_id, message.revision)
        for _, message in messages(evidence.of(kafka_topics.TRACE), decode_trace)
        if message.disposition == "not_french"
    }
    set_aside = {
        (message.article_id, message.revision)
        for record, message in messages(evidence.of(kafka_topics.UNIQUE), decode_unique)
        if (kafka_topics.UNIQUE.name, record.partition, record.offset) in evidence.dead
    }
    return last_record_faults(ordinary, evidence.of(kafka_topics.ENRICHED), foreign | set_aside)

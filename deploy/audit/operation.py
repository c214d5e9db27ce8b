"""The order of things in an audit. Linear in the number of records, bounded in memory.

    withdrawal orders ─► what the stages have committed, the ends of the topics (topics.py, on entering)
    ─► each topic once ─► facts on disk (spill.py)
    ─► the index, as it is now ─► facts
    ─► what came to articles.enriched meanwhile: under way
    ─► bucket by bucket, article by article: verdicts.py ─► counts, and some examples with their address

What is still changing is told as under way, never as wrong: whatever the index knows beyond the noted ends was put
there by a record that stands behind them.

Measured (CPU of one core; 1 and 2 million articles differ by a factor of 2.0): a record of 3.5 kB 35 us to read from
articles.fetched and 53 us from articles.enriched, a document 8 us, a fact 1 us to keep and 48 bytes on disk, an article
45 us to judge. Memory stays at 120 to 250 MB whatever there is. So 10 million articles that Kafka holds on every topic
(70 million facts) take about 50 minutes and 3.4 GB of temporary files; 10 million of 200 days, of which only the
compacted topic and the index hold all, about 25 minutes and 1.6 GB.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from deploy.audit.facts import TOPICS, Fact, Flag, Place
from deploy.audit.history import Horizon
from deploy.audit.problems import Finding, Problem
from deploy.audit.records import FactMaker, mark
from deploy.audit.spill import Spill, bucket_count
from deploy.audit.verdicts import Outcome, verdict
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic
from sinks.scan import StoredVersion

_SAID_EVERY: Final = 100_000


class Topics(Protocol):
    """The topics; topics.TopicLog has Kafka's body."""

    def extent(self, topic: KafkaTopic) -> int:
        """How many records there may be to read."""

    def is_pending(self, topic: KafkaTopic, partition: int, offset: int) -> bool:
        """Whether the stage that reads the topic has not come to this record."""

    def records(self, topic: KafkaTopic) -> Iterator[Any]:
        """The committed records, those of one partition in order."""

    def news(self, topic: KafkaTopic) -> Iterator[Any]:
        """The committed records that have come since."""

    def held_since(self, topic: KafkaTopic, now: datetime) -> int:
        """Seconds since 1970 after which everything written to the topic is held."""

    def first_written(self, topic: KafkaTopic) -> int:
        """When the oldest record that is held was written."""

    def value(self, place: Place) -> bytes | None:
        """The value of one record."""


class Documents(Protocol):
    """The index; documents.IndexDocuments has Elasticsearch's body."""

    def count(self) -> int:
        """How many documents there are of articles and revisions."""

    def articles(self) -> Iterator[StoredVersion]:
        """Those of articles, behind the alias."""

    def revisions(self) -> Iterator[StoredVersion]:
        """Those of revisions."""

    def url(self, article_id: str) -> str | None:
        """An article's address, None if the index does not know it."""


@dataclass
class Example:
    """A finding that is told.

    Attributes:
        url: the article's address, None if nobody knows it.
    """

    finding: Finding
    url: str | None = None


@dataclass
class Report:
    """The result.

    Attributes:
        records: topic without prefix -> how many records were read.
        documents: of articles in the index; None if it was not asked.
        revisions: of revisions in the index; None likewise.
        outcomes: how many articles ended how.
        problems: slug -> how many findings.
        examples: slug -> the first of them.
        facts: how many were kept on disk.
        buckets: in how many files.
    """

    records: Counter[str] = field(default_factory=Counter)
    documents: int | None = None
    revisions: int | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    problems: Counter[Problem] = field(default_factory=Counter)
    examples: dict[Problem, list[Example]] = field(default_factory=dict)
    facts: int = 0
    buckets: int = 0

    @property
    def articles(self) -> int:
        """How many were looked at."""
        return self.outcomes.total()

    def note(self, findings: Iterable[Finding], limit: int) -> None:
        """Count findings, and keep the first of each kind."""
        for finding in findings:
            self.problems[finding.problem] += 1
            examples = self.examples.setdefault(finding.problem, [])
            if len(examples) < limit:
                examples.append(Example(finding))


class _Named(Struct, frozen=True):
    url: str | None = None


_NAMED: Final = msgspec.json.Decoder(_Named)


def audit(
    topics: Topics,
    documents: Documents | None,
    make: FactMaker,
    *,
    scratch: Path,
    limit: int,
    now: datetime,
    say: Callable[[str], None],
) -> Report:
    """Compare everything.

    Args:
        topics: of the installation.
        documents: of its index; None leaves the index out.
        make: makes facts of both.
        scratch: an empty folder for temporary files.
        limit: so many findings of each kind are told with their address.
        now: for what has expired.
        say: gets a line now and then.
    """
    report = Report()
    expected = sum(map(topics.extent, TOPICS)) + (documents.count() if documents else 0)
    with Spill(scratch, bucket_count(expected)) as spill:
        for topic in TOPICS:
            _take_topic(topics, topic, make, spill, report, say)
        if documents is not None:
            _take_index(documents, make, spill, report, limit, say)
            for record in topics.news(kafka_topics.ENRICHED):
                _add(spill, mark(record, Flag.PENDING))
        report.facts, report.buckets = spill.facts, spill.buckets
        horizon = Horizon(
            {topic.name: topics.held_since(topic, now) for topic in TOPICS if topic.retention_days},
            topics.first_written(kafka_topics.FETCHED),
            with_index=documents is not None,
        )
        say(f"judging {spill.facts:,} facts")
        for facts in spill.groups():
            _judge(facts, horizon, report, limit)
    _name(report, topics, documents)
    return report


def _take_topic(
    topics: Topics, topic: KafkaTopic, make: FactMaker, spill: Spill, report: Report, say: Callable[[str], None]
) -> None:
    facts_of = make.of_topic(topic)
    say(f"reading {topic.name}, up to {topics.extent(topic):,} records")
    count = 0
    for count, record in enumerate(topics.records(topic), 1):
        pending = Flag.PENDING if topics.is_pending(topic, record.partition, record.offset) else 0
        _add(spill, facts_of(record, pending))
        if count % _SAID_EVERY == 0:
            say(f"reading {topic.name}, {count:,} records")
    report.records[topic.name] = count


def _take_index(
    documents: Documents, make: FactMaker, spill: Spill, report: Report, limit: int, say: Callable[[str], None]
) -> None:
    say("reading the index")
    report.documents = report.revisions = 0
    for stored in documents.articles():
        report.documents += 1
        fact = make.document(stored.id, stored.version, stored.url, stored.publisher_id)
        if fact is None:
            report.note((_foreign("stray_in_index", stored),), limit)
        else:
            spill.add(fact)
    for stored in documents.revisions():
        report.revisions += 1
        fact = make.revision(stored.id, stored.version, stored.url, stored.publisher_id)
        if fact is None:
            report.note((_foreign("stray_revision", stored),), limit)
        else:
            spill.add(fact)


def _foreign(problem: Problem, stored: StoredVersion) -> Finding:
    return Finding(problem, stored.id, f"in {stored.index} under an id that is not one of ours")


def _add(spill: Spill, facts: Iterable[Fact]) -> None:
    for fact in facts:
        spill.add(fact)


def _judge(facts: list[Fact], horizon: Horizon, report: Report, limit: int) -> None:
    judged = verdict(facts, horizon)
    if judged.outcome is not None:
        report.outcomes[judged.outcome] += 1
    report.note(judged.findings, limit)


def _name(report: Report, topics: Topics, documents: Documents | None) -> None:
    for examples in report.examples.values():
        examples[:] = [replace(example, url=_url(example.finding, topics, documents)) for example in examples]


def _url(finding: Finding, topics: Topics, documents: Documents | None) -> str | None:
    value = topics.value(finding.place) if finding.place is not None else None
    try:
        url = _NAMED.decode(value).url if value is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        url = None
    if url is None and documents is not None and finding.article_id:
        url = documents.url(finding.article_id)
    return url

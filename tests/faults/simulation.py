"""The stages without servers: real decisions on logs in memory, one record at a time, in whatever order a test asks.

For the oracle's own tests, and for schedules that no real server can be made to play. Only labelling is a stand-in.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from processors.cluster import ClusterMemory, ClusterStage
from processors.dead_letters import dead_letter
from processors.dedupe import DedupeMemory, DedupeStage
from processors.records import Arrival, Outgoing
from processors.stages import Effect, FormerNeeded, Rejected
from schemas import kafka_topics
from schemas.articles import Timeline
from schemas.codec import decode_unique, encode
from schemas.kafka_topics import KafkaTopic
from schemas.labels import Provenance
from schemas.messages import TaggedArticle, UniqueArticle, version_of
from schemas.withdrawals import WithdrawalOrders
from sinks.mapping import index_names
from sinks.memory_store import MemoryStore
from sinks.operations import Plan, plan
from sinks.records import Partition, Record
from tests.articles import NOON
from tests.faults.documents import Index
from tests.faults.feeding import Fed
from tests.faults.oracle import Evidence
from tests.services import LogRecord

NAMES = index_names("essai")
_CORE = set(UniqueArticle.__struct_fields__) & set(TaggedArticle.__struct_fields__)


class Simulation:
    """Logs of one partition each, the memories of dedupe and cluster, and an index."""

    def __init__(self) -> None:
        self.logs: dict[str, list[LogRecord]] = defaultdict(list)
        self.orders = WithdrawalOrders()
        self.store = MemoryStore(NAMES)
        self.dedupe_memory, self.cluster_memory = DedupeMemory(), ClusterMemory(timedelta(hours=72))
        self.now = NOON
        self._read: dict[str, int] = defaultdict(int)

    def publish(self, records: Iterable[Fed]) -> None:
        for key, value in records:
            self.append(kafka_topics.FETCHED, key, value)

    def append(
        self, topic: KafkaTopic, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        log = self.logs[topic.name]
        log.append(LogRecord(0, len(log), key, value, tuple(headers)))

    def run(self) -> "Simulation":
        """Every stage to the end of its input."""
        self.dedupe()
        self.enrich()
        self.cluster()
        self.index()
        return self

    def dedupe(self, records: Sequence[LogRecord] | None = None) -> None:
        """Decide on these records, or on all that are new."""
        for record in self._new(kafka_topics.FETCHED, records):
            arrival = Arrival(0, record.offset, record.key, record.value, record.headers)
            try:
                effect = DedupeStage().effect(self.dedupe_memory, arrival, self.orders, self.now)
            except Rejected as rejected:
                self._write("dedupe", kafka_topics.FETCHED, arrival, rejected)
                continue
            if isinstance(effect, FormerNeeded):
                effect = effect.finish(self.logs[kafka_topics.FETCHED.name][effect.offset].value)
            self._take(self.dedupe_memory, arrival, effect)

    def enrich(self, records: Sequence[LogRecord] | None = None) -> None:
        """Pass articles on without labels."""
        for record in self._new(kafka_topics.UNIQUE, records):
            message = decode_unique(record.value or b"")
            if isinstance(message, UniqueArticle):
                message = labelled(message)
            self.append(kafka_topics.TAGGED, record.key, encode(message))

    def cluster(self, records: Sequence[LogRecord] | None = None) -> None:
        for record in self._new(kafka_topics.TAGGED, records):
            arrival = Arrival(0, record.offset, record.key, record.value, record.headers)
            try:
                effect = ClusterStage().effect(self.cluster_memory, arrival, self.orders, self.now)
            except Rejected as rejected:
                self._write("cluster", kafka_topics.TAGGED, arrival, rejected)
                continue
            self._take(self.cluster_memory, arrival, effect)

    def index(self) -> None:
        for topic, kind in ((kafka_topics.ENRICHED, "article"), (kafka_topics.TRACE, "trace")):
            for record in self._new(topic, None):
                read = Record(Partition(topic.name, 0), record.offset, record.key, record.value, tuple(record.headers))
                planned = plan(read, kind, NAMES, self.now, self.orders)
                if isinstance(planned, Plan):
                    self.store.write(planned.operations)

    def forget_old(self) -> None:
        """What both stages do once a day."""
        for memory in (self.dedupe_memory, self.cluster_memory):
            for key in list(memory.stale(self.now)):
                memory.load(key, None)

    def evidence(self) -> Evidence:
        held = [
            {id_: (self.store._versions.get((name, id_), 1), document) for id_, document in documents.items()}
            for name, documents in self.store.documents.items()
        ]
        return Evidence({name: list(log) for name, log in self.logs.items()}, Index(*held), {}, self.orders)

    def _new(self, topic: KafkaTopic, records: Sequence[LogRecord] | None) -> Sequence[LogRecord]:
        if records is not None:
            return records
        start, self._read[topic.name] = self._read[topic.name], len(self.logs[topic.name])
        return self.logs[topic.name][start:]

    def _take(self, memory: DedupeMemory | ClusterMemory, arrival: Arrival, effect: Effect) -> None:
        if effect.state is not None:
            memory.load(arrival.key or b"", effect.state)
        for output in effect.outputs:
            self._append(output)

    def _write(self, stage: str, topic: KafkaTopic, arrival: Arrival, rejected: Rejected) -> None:
        self._append(dead_letter(stage, topic.name, arrival, rejected, self.now))

    def _append(self, output: Outgoing) -> None:
        self.append(output.kafka_topic, output.key, output.value, output.headers or ())


def labelled(message: UniqueArticle) -> TaggedArticle:
    """The article as enrich passes it on, without labels."""
    times = Timeline(discovered=message.discovered_at, fetched=message.fetched_at, accepted=message.revised_at)
    return TaggedArticle(
        **{name: getattr(message, name) for name in _CORE},
        version=version_of(message.revision, 0),
        labels_release="essai",
        language="fr",
        timeline=times,
        provenance=Provenance(),
    )

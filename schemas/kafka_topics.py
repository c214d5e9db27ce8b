"""The Kafka topics: who writes, who reads, how long they keep.

Partition counts never change on a live system: keys would move and lose their order. A new count is a new topic.
"""

from typing import Final, Literal

from msgspec import Struct

Room = Literal[
    "poll",
    "dedupe",
    "enrich",
    "reenrich",
    "cluster",
    "index",
    "replay",
    "dead",
    "forget",
    "doctor",
    "alerts",
    "subscribers",
]


class KafkaTopic(Struct, frozen=True, kw_only=True):
    """One topic's contract.

    Attributes:
        name: without the `topic_prefix` of the installation.
        key: what the record key is.
        value: the message types, or who owns a private format.
        partitions: for good.
        retention_days: None for a topic that is compacted only.
        compacted: keep the last record of each key.
        delete_retention_days: how long a tombstone can be seen on a compacted topic.
        transactional: readers must read committed records only.
    """

    name: str
    key: str = "article_id"
    value: str
    partitions: int
    retention_days: int | None = None
    compacted: bool = False
    delete_retention_days: int = 1
    transactional: bool = False
    written_by: tuple[Room, ...]
    read_by: tuple[Room, ...]


FETCHED: Final = KafkaTopic(
    name="articles.fetched",
    value="FetchedArticle | Withdrawal",
    partitions=6,
    retention_days=30,
    written_by=("poll", "forget", "dead"),
    read_by=("dedupe", "forget", "doctor"),
)
UNIQUE: Final = KafkaTopic(
    name="articles.unique",
    value="UniqueArticle | Withdrawal",
    partitions=6,
    retention_days=8,
    transactional=True,
    written_by=("dedupe", "dead"),
    read_by=("enrich", "doctor"),
)
REENRICH: Final = KafkaTopic(
    name="articles.reenrich",
    value="TaggedArticle",
    partitions=1,
    retention_days=8,
    transactional=True,
    written_by=("replay", "dead"),
    read_by=("reenrich",),
)
TAGGED: Final = KafkaTopic(
    name="articles.tagged",
    value="TaggedArticle | Withdrawal",
    partitions=1,
    retention_days=8,
    written_by=("enrich", "reenrich", "dead"),
    read_by=("cluster",),
)
ENRICHED: Final = KafkaTopic(
    name="articles.enriched",
    value="EnrichedArticle, null = withdrawn",
    partitions=6,
    compacted=True,
    delete_retention_days=30,
    transactional=True,
    written_by=("cluster",),
    read_by=("index", "alerts", "replay", "forget", "doctor", "subscribers"),
)
TRACE: Final = KafkaTopic(
    name="articles.trace",
    value="Trace",
    partitions=3,
    retention_days=30,
    transactional=True,
    written_by=("poll", "dedupe", "enrich", "reenrich", "cluster"),
    read_by=("index",),
)
DEAD: Final = KafkaTopic(
    name="articles.dead",
    key="as the original",
    value="the original bytes; header kiosque-dead-letter: DeadLetter",
    partitions=3,
    retention_days=90,
    transactional=True,
    written_by=("dedupe", "enrich", "reenrich", "cluster", "index", "dead"),
    read_by=("dead",),
)
REDELIVERED: Final = KafkaTopic(
    name="articles.redelivered",
    key="as the original",
    value="dead letters of the stage index, tried again: as on the topic that the header kiosque-dead-letter names",
    partitions=1,
    retention_days=8,
    written_by=("dead",),
    read_by=("index",),
)
REPLAYS: Final = KafkaTopic(
    name="replays",
    key="run number",
    value="private to deploy: one re-enrichment run, what it selects and how far it is",
    partitions=1,
    compacted=True,
    transactional=True,
    written_by=("replay",),
    read_by=("replay",),
)
ALERTS: Final = KafkaTopic(
    name="alerts",
    value="reserved for saved searches",
    partitions=3,
    retention_days=30,
    written_by=("alerts",),
    read_by=("subscribers",),
)
FEEDS_STATE: Final = KafkaTopic(
    name="feeds.state",
    key="feed:URL or page:ID",
    value="private to producers",
    partitions=12,
    compacted=True,
    written_by=("poll",),
    read_by=("poll",),
)
WITHDRAWALS: Final = KafkaTopic(
    name="withdrawals",
    key="article, URL prefix or publisher",
    value="WithdrawalOrder",
    partitions=1,
    compacted=True,
    written_by=("forget",),
    read_by=("poll", "dedupe", "cluster", "index", "replay"),
)
STATE_DEDUPE: Final = KafkaTopic(
    name="state.dedupe",
    value="private to processors",
    partitions=FETCHED.partitions,
    compacted=True,
    transactional=True,
    written_by=("dedupe", "doctor"),
    read_by=("dedupe", "doctor"),
)
STATE_CLUSTER: Final = KafkaTopic(
    name="state.cluster",
    value="private to processors",
    partitions=TAGGED.partitions,
    compacted=True,
    transactional=True,
    written_by=("cluster", "doctor"),
    read_by=("cluster", "doctor"),
)

ALL: Final = (
    FETCHED,
    UNIQUE,
    REENRICH,
    TAGGED,
    ENRICHED,
    TRACE,
    DEAD,
    REDELIVERED,
    REPLAYS,
    ALERTS,
    FEEDS_STATE,
    WITHDRAWALS,
    STATE_DEDUPE,
    STATE_CLUSTER,
)

_DAY_MS: Final = 24 * 3600 * 1000


def full_name(topic: KafkaTopic, prefix: str) -> str:
    """The topic's name in an installation; `prefix` is the setting `topic_prefix`, used as it is."""
    return prefix + topic.name


def topic_config(topic: KafkaTopic) -> dict[str, str]:
    """The broker's settings for the topic."""
    config = {"cleanup.policy": "compact" if topic.compacted else "delete", "max.message.bytes": "1048588"}
    if topic.compacted:
        config["delete.retention.ms"] = str(topic.delete_retention_days * _DAY_MS)
        config["min.cleanable.dirty.ratio"] = "0.1"
    if topic.retention_days is not None:
        config["retention.ms"] = str(topic.retention_days * _DAY_MS)
    return config

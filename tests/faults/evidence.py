"""Collects what the oracle judges: topics, committed offsets, withdrawal orders and the index of an installation."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from elasticsearch import Elasticsearch, helpers
from kafka import KafkaConsumer, TopicPartition

from schemas import kafka_topics
from schemas.codec import InvalidMessage, decode_withdrawal_order
from schemas.kafka_topics import KafkaTopic, full_name
from schemas.withdrawals import WithdrawalOrders
from sinks.elasticsearch import connect
from sinks.mapping import index_names
from tests.faults.documents import Index
from tests.faults.oracle import READ_TOPICS, Evidence
from tests.faults.versions import Place
from tests.services import Installation, wait_until

INPUTS: Mapping[str, tuple[KafkaTopic, ...]] = {
    "dedupe": (kafka_topics.FETCHED,),
    "enrich": (kafka_topics.UNIQUE,),
    "reenrich": (kafka_topics.REENRICH,),
    "cluster": (kafka_topics.TAGGED,),
    "index": (kafka_topics.ENRICHED, kafka_topics.TRACE, kafka_topics.REDELIVERED),
}
"""Stage -> the topics that its consumer group reads."""


def undone(installation: Installation, stage: str) -> int:
    """How many committed records of the stage's input lie behind its committed offsets.

    Unlike a difference of offsets this does not count transaction markers and aborted records, which no group commits.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=installation.stack.kafka,
        group_id=f"{installation.prefix}kiosque-{stage}",
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    with closing(consumer):
        places = [
            TopicPartition(full_name(topic, installation.prefix), number)
            for topic in INPUTS[stage]
            for number in range(topic.partitions)
        ]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        behind = [place for place in places if (consumer.committed(place) or 0) < ends[place]]
        for place in behind:
            consumer.seek(place, consumer.committed(place) or 0)
        consumer.pause(*(set(places) - set(behind)))
        count = 0
        while any(consumer.position(place) < ends[place] for place in behind):
            count += sum(len(records) for records in consumer.poll(timeout_ms=200).values())
        return count


def at_rest(installation: Installation, *stages: str, seconds: float = 120.0) -> None:
    """Wait until the stages have committed all of their input; the limit is for hangs."""
    waiting = list(stages)

    def nothing_left() -> bool:
        waiting[:] = [stage for stage in waiting if undone(installation, stage)]
        return not waiting and not any(undone(installation, stage) for stage in stages)

    wait_until(nothing_left, f"all is committed by {', '.join(stages)}", seconds)


def evidence_of(
    installation: Installation,
    *stages: str,
    index: bool = False,
    set_aside: Iterable[Place] = (),
) -> Evidence:
    """What an installation holds.

    Args:
        installation: at rest.
        stages: those that ran; their input must be committed.
        index: whether to read Elasticsearch as well.
        set_aside: see Evidence.
    """
    topics = {topic.name: installation.records(topic) for topic in (*READ_TOPICS, kafka_topics.DEAD)}
    held = Index()
    if index:
        with closing(connect(installation.stack.elasticsearch)) as client:
            held = index_of(client, installation.index_prefix)
    return Evidence(
        topics,
        held,
        {stage: undone(installation, stage) for stage in stages},
        orders_of(installation),
        installation.prefix,
        frozenset(set_aside),
    )


def orders_of(installation: Installation) -> WithdrawalOrders:
    """All withdrawal orders that were ever given and not lifted."""
    orders = WithdrawalOrders()
    for record in installation.records(kafka_topics.WITHDRAWALS):
        key = (record.key or b"").decode(errors="replace")
        try:
            orders.load(key, None if record.value is None else decode_withdrawal_order(record.value))
        except InvalidMessage:
            continue
    return orders


def index_of(client: Elasticsearch, prefix: str) -> Index:
    """All documents of an installation."""
    names = index_names(prefix)
    client.indices.refresh(index=list(names.indices), ignore_unavailable=True)
    return Index(*(_stored(client, index) for index in (names.articles, names.revisions, names.trace)))


def _stored(client: Elasticsearch, index: str) -> dict[str, tuple[int, dict[str, Any]]]:
    if not client.indices.exists(index=index):
        return {}
    hits = helpers.scan(client, index=index, query={"version": True}, size=500)
    return {hit["_id"]: (hit["_version"], hit["_source"]) for hit in hits}


def shown(faults: Sequence[str], limit: int = 20) -> str:
    """Faults for an assertion message."""
    more = f"\n… and {len(faults) - limit} more" if len(faults) > limit else ""
    return "\n".join(faults[:limit]) + more

"""What tests need on the real servers: names of their own, topics, a client, a running indexer.

The stack itself is the session's fixture `stack` (tests/servers.py). Everything made here is deleted afterwards.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from elasticsearch import ApiError, Elasticsearch
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import NewTopic

from deploy.withdrawal_log import KafkaWithdrawalLog
from schemas.codec import encode
from schemas.kafka_topics import DEAD, ENRICHED, REDELIVERED, TRACE, WITHDRAWALS, full_name, topic_config
from schemas.withdrawals import Scope, WithdrawalOrder, order_key
from sinks.elasticsearch import connect
from sinks.kafka_source import GROUP
from sinks.mapping import index_names, index_templates
from sinks.options import IndexerOptions
from sinks.records import Record
from sinks.service import run_indexer
from tests.sinks.fakes import RecordedMetrics
from tests.sinks.samples import options


def now() -> datetime:
    return datetime.now(UTC)


def options_on(stack: Any, **changes: Any) -> IndexerOptions:
    """Options with prefixes that no other test uses."""
    unique = uuid.uuid4().hex[:8]
    return options(
        **{
            "kafka": stack.kafka,
            "elasticsearch": stack.elasticsearch,
            "topic_prefix": f"essai-{unique}.",
            "index_prefix": f"essai-{unique}",
            "batch_seconds": 0.05,
            **changes,
        }
    )


@contextmanager
def client_of(chosen: IndexerOptions) -> Iterator[Elasticsearch]:
    """A client; the installation's indices and templates are deleted afterwards."""
    client = connect(chosen.elasticsearch)
    try:
        yield client
    finally:
        names = index_names(chosen.index_prefix)
        client.indices.delete(index=list(names.indices), ignore_unavailable=True)
        for template in index_templates(chosen):
            client.options(ignore_status=404).indices.delete_index_template(name=template.index)
            client.options(ignore_status=404).cluster.delete_component_template(name=template.index)
        client.close()


@contextmanager
def kafka_topics(chosen: IndexerOptions) -> Iterator[None]:
    """The topics of the sink as an installation has them."""
    topics = [
        NewTopic(full_name(topic, chosen.topic_prefix), topic.partitions, 1, topic_configs=topic_config(topic))
        for topic in (ENRICHED, TRACE, DEAD, REDELIVERED, WITHDRAWALS)
    ]
    names = [topic.name for topic in topics]
    with kafka_admin(chosen) as admin:
        admin.create_topics(topics)
        admin.wait_for_topics(names)
    try:
        yield
    finally:
        with kafka_admin(chosen) as admin:  # a new one: the test may have killed the broker under the first
            admin.delete_topics(names)


@contextmanager
def kafka_admin(chosen: IndexerOptions) -> Iterator[KafkaAdminClient]:
    """A client for making and deleting topics."""
    admin = KafkaAdminClient(bootstrap_servers=chosen.kafka, request_timeout_ms=30_000)
    try:
        yield admin
    finally:
        admin.close()


def produce(chosen: IndexerOptions, records: list[Record], *, transactions: bool = False, abort: bool = False) -> None:
    """Write records to their topics, each to the partition that its key gives."""
    more: dict[str, Any] = {"transactional_id": f"{chosen.topic_prefix}test"} if transactions else {}
    producer = KafkaProducer(bootstrap_servers=chosen.kafka, linger_ms=5, **more)
    if transactions:
        producer.init_transactions()
        producer.begin_transaction()
    futures = [
        producer.send(
            chosen.topic_prefix + record.partition.kafka_topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers),
        )
        for record in records
    ]
    producer.flush(30)
    for future in futures:
        future.get(timeout=30)
    if transactions:
        (producer.abort_transaction if abort else producer.commit_transaction)()
    producer.close(timeout=10)


def produce_order(chosen: IndexerOptions, scope: Scope, target: str) -> None:
    """Write a withdrawal order; acknowledged when it returns."""
    order = WithdrawalOrder(scope=scope, target=target, requested_at=now())
    producer = KafkaProducer(bootstrap_servers=chosen.kafka)
    topic = full_name(WITHDRAWALS, chosen.topic_prefix)
    producer.send(topic, key=order_key(order).encode(), value=encode(order)).get(timeout=30)
    producer.close(timeout=10)


def dead_letters_of(chosen: IndexerOptions) -> list[Any]:
    """Everything on articles.dead."""
    consumer = KafkaConsumer(bootstrap_servers=chosen.kafka, isolation_level="read_committed")
    topic = full_name(DEAD, chosen.topic_prefix)
    partitions = [TopicPartition(topic, number) for number in range(DEAD.partitions)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    read: list[Any] = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for records in consumer.poll(timeout_ms=500).values():
            read += records
    consumer.close(autocommit=False)
    return read


def uncommitted_records(chosen: IndexerOptions) -> int:
    """How many records the group has not committed yet (transaction markers count as records)."""
    consumer = KafkaConsumer(
        bootstrap_servers=chosen.kafka, group_id=chosen.topic_prefix + GROUP, enable_auto_commit=False
    )
    partitions = [
        TopicPartition(full_name(topic, chosen.topic_prefix), number)
        for topic in (ENRICHED, TRACE, REDELIVERED)
        for number in range(topic.partitions)
    ]
    ends = consumer.end_offsets(partitions)
    lag: int = sum(end - (consumer.committed(partition) or 0) for partition, end in ends.items())
    consumer.close(autocommit=False)
    return lag


def commit_to(chosen: IndexerOptions, offset: int) -> None:
    """Set the group back to an offset in all partitions of articles and trace, as a crash before a commit leaves it."""
    consumer = KafkaConsumer(
        bootstrap_servers=chosen.kafka, group_id=chosen.topic_prefix + GROUP, enable_auto_commit=False
    )
    partitions = [
        TopicPartition(full_name(topic, chosen.topic_prefix), number)
        for topic in (ENRICHED, TRACE)
        for number in range(topic.partitions)
    ]
    consumer.assign(partitions)
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition in partitions})
    consumer.close(autocommit=False)


@contextmanager
def running_indexer(chosen: IndexerOptions) -> Iterator[RecordedMetrics]:
    """The service in a thread; stopped afterwards. What it raises fails the test."""
    stop, metrics, failures = threading.Event(), RecordedMetrics(), []

    def run() -> None:
        try:
            withdrawals = KafkaWithdrawalLog(chosen.kafka, chosen.topic_prefix)
            run_indexer(chosen, withdrawals=withdrawals, metrics=metrics, clock=now, stop=stop)
        except Exception as error:  # noqa: BLE001 - it is raised again in the test's own thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield metrics
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def eventually(condition: Callable[[], Any], *, within_seconds: float = 60) -> Any:
    """Wait until the condition is true, and give its value; it fails the test if that never comes."""
    deadline = time.monotonic() + within_seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)
    return value


def visible(client: Elasticsearch, chosen: IndexerOptions) -> dict[str, int]:
    """How many documents each index shows after a refresh; none where it does not exist yet or is just being made."""
    names = index_names(chosen.index_prefix)
    client.indices.refresh(index=list(names.indices), ignore_unavailable=True)

    def count(index: str) -> int:
        try:
            return int(client.count(index=index, ignore_unavailable=True)["count"])
        except ApiError as error:
            if error.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                return 0
            raise

    return {"articles": count(names.articles), "revisions": count(names.revisions), "trace": count(names.trace)}

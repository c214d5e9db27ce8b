"""Which partitions were really taken away, and which addresses are ones."""

import socket

import pytest
from kafka import TopicPartition

from sinks.errors import SinkError, SourceUnavailable
from sinks.kafka_source import Holdings, require_reachable
from sinks.records import Partition


def held(*numbers: int) -> list[TopicPartition]:
    return [TopicPartition("articles.enriched", number) for number in numbers]


def ours(*numbers: int) -> frozenset[Partition]:
    return frozenset(Partition("articles.enriched", number) for number in numbers)


def test_partitions_that_stay_are_not_revoked_although_all_are_announced() -> None:
    holdings = Holdings()
    holdings.on_partitions_assigned(held(0, 1, 2))
    holdings.on_partitions_revoked(held(0, 1, 2))
    holdings.on_partitions_assigned(held(0, 1))
    assert (holdings.take_revoked(), holdings.take_revoked()) == (ours(2), ours())


def test_a_partition_that_went_and_came_back_was_revoked() -> None:
    holdings = Holdings()
    for assigned in (held(0, 1), held(0), held(0, 1)):
        holdings.on_partitions_assigned(assigned)
    assert holdings.take_revoked() == ours(1)


def test_lost_membership_revokes_everything_also_what_comes_back() -> None:
    holdings = Holdings()
    holdings.on_partitions_assigned(held(0, 1))
    holdings.on_partitions_lost(held(0, 1))
    holdings.on_partitions_assigned(held(0, 1))
    assert holdings.take_revoked() == ours(0, 1)


@pytest.mark.parametrize("address", ["kafka", "kafka:", ":9092", "kafka:port", "http://kafka:9092x"])
def test_what_is_no_address_is_refused_with_advice(address: str) -> None:
    with pytest.raises(SinkError, match="give host:port"):
        require_reachable([address])


def test_one_reachable_server_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        require_reachable(["127.0.0.1:1", f"127.0.0.1:{server.getsockname()[1]}"])


def test_none_reachable_means_wait() -> None:
    with pytest.raises(SourceUnavailable, match="Kafka does not answer"):
        require_reachable(["127.0.0.1:1"])

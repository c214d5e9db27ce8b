"""The contract of a log of withdrawal orders, kept by the fake and the real one; then what only a real one can do."""

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from structlog.testing import capture_logs

from deploy.stack.local_stack import LocalStack
from deploy.withdrawal_log import KafkaWithdrawalLog
from schemas.codec import encode
from schemas.kafka_topics import WITHDRAWALS, full_name, topic_config
from schemas.withdrawals import (
    Scope,
    WithdrawalLog,
    WithdrawalOrder,
    WithdrawalsInMemory,
    WithdrawalsUnavailable,
    order_key,
)
from tests.articles import NOON, article_id
from tests.contracts.kafka_installation import create_topics
from tests.servers import new_data_dir
from tests.services import wait_until

URL = "http://www.phare-ouest.example/cantine.html"
ID = article_id(URL)


def order(scope: Scope = "article", target: str = ID) -> WithdrawalOrder:
    return WithdrawalOrder(scope=scope, target=target, requested_at=NOON)


class WithdrawalLogContract:
    """What all logs do. A subclass gives `log`, and `write`, after which a record is acknowledged."""

    @pytest.fixture
    def log(self) -> WithdrawalLog:
        raise NotImplementedError

    def write(self, key: str, given: WithdrawalOrder | None) -> None:
        raise NotImplementedError

    def give(self, *given: WithdrawalOrder) -> None:
        for one in given:
            self.write(order_key(one), one)

    def test_a_new_log_has_no_orders(self, log: WithdrawalLog) -> None:
        assert len(log.read_to_end()) == 0

    def test_what_was_acknowledged_before_the_call_is_there(self, log: WithdrawalLog) -> None:
        for number in range(5):
            self.give(order("article", f"{number:032x}"))
            assert len(log.read_to_end()) == number + 1

    def test_each_scope_covers_what_it_says(self, log: WithdrawalLog) -> None:
        self.give(order(), order("prefix", "http://autre.example/dossier/"), order("publisher", "tiers.example"))
        orders = log.read_to_end()
        assert orders.covering(ID, None, None) == order()
        assert orders.covering("0" * 32, "http://autre.example/dossier/1", None) is not None
        assert orders.covering("0" * 32, "http://autre.example/", "autre.example") is None
        assert orders.covering("0" * 32, None, "tiers.example") is not None

    def test_the_last_record_of_an_order_counts(self, log: WithdrawalLog) -> None:
        self.give(order())
        again = WithdrawalOrder(scope="article", target=ID, reason="withdrawn_by_publisher", requested_at=NOON)
        self.give(again)
        orders = log.read_to_end()
        assert (len(orders), orders.covering(ID, None, None)) == (1, again)

    def test_an_order_can_be_lifted_and_given_again(self, log: WithdrawalLog) -> None:
        self.give(order())
        assert len(log.read_to_end()) == 1
        self.write(order_key(order()), None)
        assert log.read_to_end().covering(ID, None, None) is None
        self.give(order())
        assert len(log.read_to_end()) == 1

    def test_closed_it_can_be_asked_again(self, log: WithdrawalLog) -> None:
        self.give(order())
        log.close()
        log.close()
        assert len(log.read_to_end()) == 1

    def test_it_can_be_asked_from_any_thread(self, log: WithdrawalLog) -> None:
        self.give(order())
        counts = []
        for _ in range(3):
            with ThreadPoolExecutor(max_workers=1) as other:
                counts.append(other.submit(lambda: len(log.read_to_end())).result())
        assert counts == [1, 1, 1]


class TestWithdrawalsInMemory(WithdrawalLogContract):
    @pytest.fixture
    def log(self) -> WithdrawalLog:
        self.memory = WithdrawalsInMemory()
        return self.memory

    def write(self, key: str, given: WithdrawalOrder | None) -> None:
        self.memory.orders.load(key, given)


@pytest.mark.servers
class TestKafkaWithdrawalLog(WithdrawalLogContract):
    @pytest.fixture
    def log(self, stack: LocalStack) -> Iterator[WithdrawalLog]:
        self.prefix = create_topics(stack.kafka, WITHDRAWALS)
        self.producer = KafkaProducer(bootstrap_servers=stack.kafka)
        with closing(self.producer), closing(KafkaWithdrawalLog(stack.kafka, self.prefix)) as log:
            yield log

    def write(self, key: str, given: WithdrawalOrder | None) -> None:
        self.write_bytes(key.encode(), None if given is None else encode(given))

    def write_bytes(self, key: bytes | None, value: bytes | None) -> None:
        self.producer.send(full_name(WITHDRAWALS, self.prefix), key=key, value=value).get(30)

    def test_a_second_log_knows_the_same(self, log: WithdrawalLog, stack: LocalStack) -> None:
        self.give(*(order("article", f"{number:032x}") for number in range(300)))
        with closing(KafkaWithdrawalLog(stack.kafka, self.prefix)) as second:
            assert len(second.read_to_end()) == len(log.read_to_end()) == 300

    def test_what_is_no_order_is_ignored_and_said(self, log: WithdrawalLog) -> None:
        self.give(order())
        for key, value in ((b"article:x", b"{"), (b"\xff", encode(order())), (b"a", b"\xff"), (b"a", b'{"type":"x"}')):
            self.write_bytes(key, value)
        self.give(order("publisher", "tiers.example"))
        with capture_logs() as logs:
            assert len(log.read_to_end()) == 2
        ignored = [(entry["offset"], entry["log_level"]) for entry in logs if "ignored" in entry["event"]]
        assert ignored == [(offset, "error") for offset in (1, 2, 3, 4)]

    def test_a_topic_that_was_made_anew_is_read_from_its_beginning(self, log: WithdrawalLog, stack: LocalStack) -> None:
        self.give(order(), order("publisher", "tiers.example"))
        assert len(log.read_to_end()) == 2
        self.make_anew(stack)
        self.give(order("prefix", "http://autre.example/"))

        def held() -> int:
            try:
                return len(log.read_to_end())
            except WithdrawalsUnavailable:  # its client has yet to learn where the topic is
                return 0

        wait_until(lambda: held() == 1, "the new topic is read")

    def make_anew(self, stack: LocalStack) -> None:
        name = full_name(WITHDRAWALS, self.prefix)
        with closing(KafkaAdminClient(bootstrap_servers=stack.kafka)) as admin:
            admin.delete_topics([name])
            wait_until(lambda: name not in admin.list_topics(), "the topic is gone")
            admin.create_topics([NewTopic(name, WITHDRAWALS.partitions, 1, topic_configs=topic_config(WITHDRAWALS))])

    def test_an_absent_topic_is_unavailable(self, log: WithdrawalLog, stack: LocalStack) -> None:
        with (
            closing(KafkaWithdrawalLog(stack.kafka, self.prefix + "absent.")) as absent,
            pytest.raises(WithdrawalsUnavailable, match=r"absent\.withdrawals cannot be read"),
        ):
            absent.read_to_end()


def threads_and_files() -> tuple[set[str], int]:
    gc.collect()
    return {thread.name for thread in threading.enumerate()}, len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "rubbish"])
def test_an_absent_broker_is_unavailable_and_leaves_nothing_behind(address: str) -> None:
    before = threads_and_files()
    with pytest.raises(WithdrawalsUnavailable, match="withdrawals cannot be read"):
        KafkaWithdrawalLog(address, "").read_to_end()
    assert threads_and_files() == before


def test_a_broker_that_does_not_answer_is_unavailable_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The test's record of the log would hold the sockets.
    monkeypatch.setattr(logging.getLogger("kafka"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("kafka.net"), "propagate", False)
    before = threads_and_files()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        log = KafkaWithdrawalLog(f"127.0.0.1:{silent.getsockname()[1]}", "")
        with pytest.raises(WithdrawalsUnavailable):
            log.read_to_end()
    assert threads_and_files() == before


@pytest.mark.servers
@pytest.mark.slow
def test_a_broker_that_comes_back_is_read_anew() -> None:
    with new_data_dir() as data_dir, LocalStack(data_dir, with_elasticsearch=False, kafka_heap="256m") as own:
        prefix = create_topics(own.kafka, WITHDRAWALS)
        with closing(KafkaWithdrawalLog(own.kafka, prefix)) as log:
            produce(own.kafka, prefix, order())
            assert len(log.read_to_end()) == 1
            os.killpg(own.states()["kafka"].pid or 0, signal.SIGSTOP)
            with pytest.raises(WithdrawalsUnavailable):
                log.read_to_end()
            os.killpg(own.states()["kafka"].pid or 0, signal.SIGKILL)

            def answers() -> Any:
                try:
                    return log.read_to_end()
                except WithdrawalsUnavailable:
                    return None

            wait_until(answers, "the broker is back")
            produce(own.kafka, prefix, order("publisher", "tiers.example"))
            assert len(log.read_to_end()) == 2


def produce(kafka: str, prefix: str, given: WithdrawalOrder) -> None:
    with closing(KafkaProducer(bootstrap_servers=kafka)) as producer:
        producer.send(full_name(WITHDRAWALS, prefix), key=order_key(given).encode(), value=encode(given)).get(30)

"""What the writer of dead letters does when Kafka fails; the rest is in tests/contracts."""

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from sinks.dead_letters import DeadRecord, KafkaDeadLetters
from sinks.errors import DeadLettersUnavailable

RECORD = DeadRecord(b"k", b"v", ())


class Future:
    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def get(self, timeout: float) -> None:
        if self._error:
            raise self._error


class Producer:
    """A producer whose sends fail with what `errors` gives next."""

    def __init__(self, errors: list[Any]) -> None:
        self._errors = errors
        self.sent: list[Any] = []
        self.closed = False

    def send(self, topic: str, **record: Any) -> Future:
        self.sent.append((topic, record))
        return Future(self._errors.pop(0))

    def close(self, timeout: float) -> None:
        self.closed = True
        if self._errors == ["close"]:
            raise KafkaTimeoutError


def letters_with(errors: list[Any]) -> tuple[KafkaDeadLetters, list[Producer]]:
    made: list[Producer] = []

    def new_producer(**_: Any) -> Producer:
        made.append(Producer(errors))
        return made[-1]

    return KafkaDeadLetters("127.0.0.1:1", "kq.", new_producer=new_producer), made


def test_written_to_the_topic_of_the_installation() -> None:
    letters, made = letters_with([None])
    letters.write([RECORD])
    assert made[0].sent == [("kq.articles.dead", {"key": b"k", "value": b"v", "headers": []})]


def test_a_failed_producer_is_replaced() -> None:
    letters, made = letters_with([MessageSizeTooLargeError(), None])
    with pytest.raises(DeadLettersUnavailable, match="MessageSizeTooLargeError"):
        letters.write([RECORD])
    letters.write([RECORD])
    assert [producer.closed for producer in made] == [True, False]


def test_a_producer_that_does_not_close_is_let_go() -> None:
    letters, made = letters_with([None, "close"])
    letters.write([RECORD])
    letters.close()
    letters.close()
    assert [producer.closed for producer in made] == [True]


def test_without_broker_dead_letters_are_unavailable() -> None:
    def no_broker(**_: Any) -> None:
        raise KafkaTimeoutError("bootstrap")

    letters = KafkaDeadLetters("127.0.0.1:1", "", new_producer=no_broker)
    with pytest.raises(DeadLettersUnavailable, match="bootstrap"):
        letters.write([RECORD])

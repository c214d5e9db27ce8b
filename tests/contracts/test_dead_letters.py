"""The contract of dead letters, which the fake and the real one keep."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.headers import dead_letter_of
from schemas.messages import DeadLetter
from sinks.dead_letters import DeadLetters, DeadRecord, KafkaDeadLetters, MemoryDeadLetters, dead_record
from sinks.operations import SetAside
from tests.sinks.samples import NOW, article, article_record, withdrawal_record
from tests.sinks.servers import dead_letters_of, kafka_topics, options_on

WHY = SetAside("invalid_message", "the bytes are no JSON")


class DeadLettersContract:
    """What all dead letters do. A subclass gives `letters` and `written`."""

    @pytest.fixture
    def letters(self) -> DeadLetters:
        raise NotImplementedError

    def written(self) -> list[DeadRecord]:
        raise NotImplementedError

    def test_bytes_key_and_headers_stay_and_the_reason_is_added(self, letters: DeadLetters) -> None:
        original = article_record(article(), 41, partition=3, value=b"\xff{")
        letters.write([dead_record(original, WHY, NOW)])
        (record,) = self.written()
        assert (record.key, record.value, record.headers[:-1]) == (original.key, b"\xff{", original.headers)
        assert dead_letter_of(record.headers) == DeadLetter(
            reason="invalid_message",
            stage="index",
            detail="the bytes are no JSON",
            kafka_topic="articles.enriched",
            partition=3,
            offset=41,
            at=NOW,
        )

    def test_a_record_without_value_keeps_none(self, letters: DeadLetters) -> None:
        letters.write([dead_record(withdrawal_record("halles", 1, headers=()), WHY, NOW)])
        (record,) = self.written()
        assert record.value is None

    def test_a_record_without_key_and_value_gets_an_empty_key(self, letters: DeadLetters) -> None:
        letters.write([dead_record(withdrawal_record("halles", 1, key=None), WHY, NOW)])
        (record,) = self.written()
        assert (record.key, record.value) == (b"", None)

    def test_set_aside_again_it_counts_on(self, letters: DeadLetters) -> None:
        first = dead_record(article_record(article()), WHY, NOW)
        again = dead_record(article_record(article(), headers=first.headers), WHY, NOW)
        letters.write([again])
        (record,) = self.written()
        letter = dead_letter_of(record.headers)
        assert letter is not None
        assert (letter.attempts, len(record.headers)) == (2, len(first.headers))

    def test_a_foreign_dead_letter_header_does_not_keep_it(self, letters: DeadLetters) -> None:
        letters.write([dead_record(article_record(article(), headers=(("kiosque-dead-letter", b"?"),)), WHY, NOW)])
        assert len(self.written()) == 1

    def test_many_at_once_are_all_there(self, letters: DeadLetters) -> None:
        records = [dead_record(article_record(article(f"article-{n}"), n), WHY, NOW) for n in range(50)]
        letters.write(records)
        assert {record.key for record in self.written()} == {record.key for record in records}

    def test_nothing_writes_nothing(self, letters: DeadLetters) -> None:
        letters.write([])
        assert self.written() == []

    def test_the_largest_record_still_passes_with_its_letter(self, letters: DeadLetters) -> None:
        why = SetAside("internal_error", "é" * 100_000)
        letters.write([dead_record(article_record(article(), value=b"x" * 1_040_000), why, NOW)])
        assert len(self.written()) == 1


class TestMemoryDeadLetters(DeadLettersContract):
    @pytest.fixture
    def letters(self) -> DeadLetters:
        self.memory = MemoryDeadLetters()
        return self.memory

    def written(self) -> list[DeadRecord]:
        return self.memory.records


@pytest.mark.servers
class TestKafkaDeadLetters(DeadLettersContract):
    @pytest.fixture
    def letters(self, stack: Any) -> Iterator[DeadLetters]:
        self.chosen = options_on(stack)
        with kafka_topics(self.chosen):
            letters = KafkaDeadLetters(self.chosen.kafka, self.chosen.topic_prefix)
            yield letters
            letters.close()

    def written(self) -> list[DeadRecord]:
        return [DeadRecord(read.key, read.value, tuple(read.headers)) for read in dead_letters_of(self.chosen)]

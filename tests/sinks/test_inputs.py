"""The kind of a record, by its topic or by the letter that it was."""

import pytest

from sinks.inputs import Inputs, Origin, letter_of
from sinks.operations import SetAside
from sinks.records import Partition, Record
from tests.sinks.samples import article, article_record, redelivered_record, trace, trace_record

INPUTS = Inputs("kq.")


def prefixed(record: Record) -> Record:
    place = Partition("kq." + record.partition.kafka_topic, record.partition.number)
    return Record(place, record.offset, record.key, record.value, record.headers)


def test_the_topics_of_an_installation() -> None:
    assert INPUTS.kafka_topics == ("kq.articles.enriched", "kq.articles.trace", "kq.articles.redelivered")


def test_a_record_is_what_its_topic_holds() -> None:
    kinds = [INPUTS.kind(prefixed(record)) for record in (article_record(article()), trace_record(trace()))]
    assert kinds == ["article", "trace"]


def test_a_letter_is_what_it_was() -> None:
    record = prefixed(redelivered_record(prefixed(trace_record(trace(), 9, partition=2)), 4))
    assert INPUTS.is_redelivered(record)
    assert INPUTS.kind(record) == "trace"
    assert INPUTS.origin(record) == Origin(Partition("kq.articles.trace", 2), 9)


@pytest.mark.parametrize("came_from", ["articles.trace", "kq.articles.redelivered", "kq.articles.fetched", ""])
def test_a_letter_from_elsewhere_is_set_aside_as_what_it_is_now(came_from: str) -> None:
    record = prefixed(redelivered_record(trace_record(trace()), 4, came_from=came_from or "?"))
    assert isinstance(kind := INPUTS.kind(record), SetAside)
    assert kind.reason == "invalid_message"
    assert INPUTS.origin(record) == Origin(Partition("kq.articles.redelivered", 0), 4)


def test_what_claims_to_be_a_letter_counts_on_its_own_topic_only() -> None:
    claimed = redelivered_record(trace_record(trace(), 9))
    record = prefixed(article_record(article(), 3, headers=claimed.headers))
    assert INPUTS.kind(record) == "article"
    assert INPUTS.origin(record) == Origin(record.partition, 3)
    assert letter_of(record) is not None

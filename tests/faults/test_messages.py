"""Hostile messages on every topic that a stage reads: dead letter or defined meaning, and the next one goes through.

All hostile messages of a topic in one run of its stage, a good message behind them in every partition. What each
must become is written beside it in hostile.py.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from schemas import kafka_topics
from schemas.codec import encode
from schemas.headers import dead_letter_of, version_header
from schemas.kafka_topics import KafkaTopic
from schemas.limits import MAX_RECORD_BYTES
from schemas.messages import DeadLetter
from tests.articles import NOON
from tests.faults.evidence import evidence_of, shown
from tests.faults.feeding import clustered, fed, id_of, labelled, published, reading, revision
from tests.faults.hostile import NEARLY_ALL, PROCESSED, Hostile, defined_records, hostile_records, sized_records
from tests.faults.letters import letters_of, original_faults, place_of
from tests.faults.play import play
from tests.services import Installation, LogRecord, end, logs, wait_until
from tests.sinks.samples import trace

pytestmark = [pytest.mark.chaos, pytest.mark.servers, pytest.mark.slow]

Make = Callable[[str], LogRecord]


def of_fetched(name: str) -> LogRecord:
    return LogRecord(0, 0, *fed(reading(name, "1", 0))[0])


def of_unique(name: str) -> LogRecord:
    return LogRecord(0, 0, *fed(revision(name, "1", 1))[0])


def of_tagged(name: str) -> LogRecord:
    return LogRecord(0, 0, *fed(labelled(name, "1", 1))[0])


def of_reenrich(name: str) -> LogRecord:
    return LogRecord(0, 0, *fed(labelled(name, "1", 1, run=1))[0])


def of_enriched(name: str) -> LogRecord:
    return published(clustered(name, "1", 1))


def of_trace(name: str) -> LogRecord:
    message = trace(name, article_id=id_of(name))
    return LogRecord(0, 0, message.article_id.encode(), encode(message))


def all_for(make: Make, sizes: dict[int, str], more: list[Hostile], *, compacted: bool = False) -> list[Hostile]:
    """The hostile records of a topic, and good ones behind them that reach every partition."""
    other = id_of("autre").encode()
    good = [Hostile(f"good {number}", make(f"bon-{number}"), PROCESSED) for number in range(24)]
    return [
        *hostile_records(make("modele"), other_key=other, compacted=compacted),
        *defined_records(make),
        *sized_records(make, sizes),
        *more,
        *good,
    ]


def judged(
    installation: Installation, stage: str, topic: KafkaTopic, sent: list[Hostile], outputs: Callable[[], set[str]]
) -> list[str]:
    """Send the records, run the stage, and compare what became of each with what must."""
    installation.produce_records(topic, [hostile.record for hostile in sent])
    with play(installation) as begun:
        begun.finish(stage, seconds=90)
    held = evidence_of(installation, stage, index=stage == "index")
    letters = letters_of(held.of(kafka_topics.DEAD), installation.prefix)
    arrived = {
        (record.key, record.value, tuple(record.headers)): place_of(topic.name, record, installation.prefix)
        for record in held.of(topic)
    }
    faults = [f"{name} has not committed {count} records" for name, count in held.undone.items() if count]
    processed = outputs()
    for hostile in sent:
        record = hostile.record
        place = arrived[record.key, record.value, tuple(record.headers)]
        faults += _became(hostile, letters.get(place), (record.key or b"").decode(errors="replace") in processed)
    return faults + original_faults({topic.name: held.of(topic)}, held.of(kafka_topics.DEAD), installation.prefix)


def _became(hostile: Hostile, letter: DeadLetter | None, processed: bool) -> Iterator[str]:
    if hostile.meaning == PROCESSED:
        if letter is not None:
            yield f"{hostile.label}: dead letter {letter.reason}: {letter.detail[-200:]}"
        elif not processed:
            yield f"{hostile.label}: not processed"
    elif letter is None:
        yield f"{hostile.label}: no dead letter, must be {hostile.meaning}"
    elif letter.reason != hostile.meaning:
        yield f"{hostile.label}: {letter.reason}, must be {hostile.meaning}: {letter.detail[-200:]}"


def keys_on(installation: Installation, topic: KafkaTopic) -> Callable[[], set[str]]:
    return lambda: {(record.key or b"").decode() for record in installation.records(topic)}


TOO_LARGE = {MAX_RECORD_BYTES: "record_too_large", NEARLY_ALL: "record_too_large"}
"""What a stage adds does not fit any more: revision and times, labels, the story."""


def test_articles_fetched(installation: Installation):
    sent = all_for(of_fetched, {MAX_RECORD_BYTES - 600: PROCESSED, **TOO_LARGE}, [])
    outputs = keys_on(installation, kafka_topics.UNIQUE)
    faults = judged(installation, "dedupe", kafka_topics.FETCHED, sent, outputs)
    assert not faults, shown(faults) + logs(installation, ["dedupe"])


@pytest.mark.parametrize(
    ("stage", "topic", "make"),
    [("enrich", kafka_topics.UNIQUE, of_unique), ("reenrich", kafka_topics.REENRICH, of_reenrich)],
)
def test_articles_unique_and_reenrich(installation: Installation, stage: str, topic: KafkaTopic, make: Make):
    more = [Hostile("live run", of_tagged("courant"), "invalid_message")] if stage == "reenrich" else []
    sent = all_for(make, {MAX_RECORD_BYTES - 8_000: PROCESSED, **TOO_LARGE}, more)
    outputs = keys_on(installation, kafka_topics.TAGGED)
    faults = judged(installation, stage, topic, sent, outputs)
    assert not faults, shown(faults) + logs(installation, [stage])


def test_articles_tagged(installation: Installation):
    sent = all_for(of_tagged, {MAX_RECORD_BYTES - 600: PROCESSED, **TOO_LARGE}, [])
    outputs = keys_on(installation, kafka_topics.ENRICHED)
    faults = judged(installation, "cluster", kafka_topics.TAGGED, sent, outputs)
    assert not faults, shown(faults) + logs(installation, ["cluster"])


def indexed(installation: Installation) -> Callable[[], set[str]]:
    def ids() -> set[str]:
        held = evidence_of(installation, index=True).index
        return set(held.articles) | {document["article_id"] for _, document in held.traces.values()}

    return ids


def test_articles_enriched(installation: Installation):
    good = of_enriched("nul")
    version = [header for header in good.headers if version_header([header]) is not None]
    nulls = [
        Hostile("null value under a key that is no id", LogRecord(0, 0, b"cle", None, tuple(version)), "wrong_key"),
        Hostile(
            "null value with a version that is none",
            good._replace(value=None, headers=(("kiosque_version", b"x"),)),
            "invalid_message",
        ),
        Hostile(
            "null value with a version beyond all",
            good._replace(value=None, headers=(("kiosque_version", b"9" * 30),)),
            "invalid_message",
        ),
    ]
    sizes = {MAX_RECORD_BYTES: PROCESSED, NEARLY_ALL - 640: PROCESSED}
    sent = all_for(of_enriched, sizes, nulls, compacted=True)
    faults = judged(installation, "index", kafka_topics.ENRICHED, sent, indexed(installation))
    assert not faults, shown(faults) + logs(installation, ["index"])


def test_articles_trace(installation: Installation):
    sent = all_for(of_trace, {MAX_RECORD_BYTES: PROCESSED, NEARLY_ALL: PROCESSED}, [])
    faults = judged(installation, "index", kafka_topics.TRACE, sent, indexed(installation))
    assert not faults, shown(faults) + logs(installation, ["index"])


def redelivered(record: LogRecord, number: int, topic: str) -> LogRecord:
    """The record as `kiosque dead replay` sends it again."""
    letter = DeadLetter(
        reason="invalid_message", stage="index", detail="", kafka_topic=topic, partition=0, offset=number, at=NOON
    )
    kept = [header for header in record.headers if header[0] != "kiosque-dead-letter"]
    return record._replace(headers=(*kept, ("kiosque-dead-letter", encode_letter(letter)), ("replay-of", b"a:0:1")))


def encode_letter(letter: DeadLetter) -> bytes:
    import msgspec

    return msgspec.json.encode(letter)


def test_articles_redelivered(installation: Installation):
    topic = installation.prefix + kafka_topics.ENRICHED.name
    sent = [
        Hostile(hostile.label, redelivered(hostile.record, number, topic), hostile.meaning)
        for number, hostile in enumerate(all_for(of_enriched, {}, []))
    ]
    sent += [
        Hostile("no letter", of_enriched("sans"), "invalid_message"),
        Hostile(
            "a letter of another stage",
            redelivered(of_enriched("ailleurs"), 999, "x.articles.unique"),
            "invalid_message",
        ),
    ]
    faults = judged(installation, "index", kafka_topics.REDELIVERED, sent, indexed(installation))
    assert not faults, shown(faults) + logs(installation, ["index"])


def test_withdrawals(installation: Installation):
    """An order that cannot be read is ignored, with a line in the log; the orders behind it hold."""
    good = LogRecord(0, 0, b"article:" + id_of("secret").encode(), _order(id_of("secret")))
    values = [b"", b"1", b"\xff", b"{}", b"[" * 100_000, good.value[:-1], b"\xff" * NEARLY_ALL]
    hostile = [LogRecord(0, 0, good.key, value) for value in values]
    hostile += [LogRecord(0, 0, b"\xff", good.value), LogRecord(0, 0, b"", None)]
    installation.produce_records(kafka_topics.WITHDRAWALS, [*hostile, good])
    installation.produce_records(kafka_topics.FETCHED, [of_fetched("secret"), of_fetched("ouvert")])
    with play(installation) as begun:
        begun.finish("dedupe", seconds=60)
    found = {record.key: record.value for record in installation.records(kafka_topics.UNIQUE)}
    assert set(found) == {id_of(name).encode() for name in ("secret", "ouvert")}
    assert b"withdrawal" in found[id_of("secret").encode()]
    assert b"withdrawal" not in found[id_of("ouvert").encode()]


def _order(article_id: str) -> bytes:
    from schemas.withdrawals import WithdrawalOrder

    return encode(WithdrawalOrder(scope="article", target=article_id, requested_at=NOON))


def test_feeds_state(installation: Installation):
    """A record of the poller's memory that cannot be read is ignored; the poller gets its partitions and is ready."""
    values = [b"", b"1", b"\xff", b"{}", b"[]", b"[" * 100_000, b"\xff" * NEARLY_ALL, None]
    keys = [b"feed:http://www.x.example/rss", b"page:" + b"a" * 32, b"", b"\xff", b"autre:x", b"feed:"]
    records = [LogRecord(0, 0, key, value) for key in keys for value in values]
    installation.produce_records(kafka_topics.FEEDS_STATE, records)
    feeds = installation.folder / "feeds.txt"
    feeds.write_text("http://127.0.0.1:9/rss\n", encoding="utf-8")
    with closing_process(
        installation, {"KIOSQUE_FEEDS_FILE": str(feeds), "KIOSQUE_CONTACT": "essai@example.org"}
    ) as ready:
        wait_until(ready, "the poller has read its memory and polls")


class closing_process(closing):  # noqa: N801
    """A poller, and whether it has polled a feed."""

    def __init__(self, installation: Installation, settings: dict[str, str]) -> None:
        self._process = installation.start("poll", settings=settings)
        self._log = installation.folder / "poll.log"

    def __enter__(self) -> Callable[[], bool]:
        return lambda: "feed poll failed" in self._log.read_text(encoding="utf-8", errors="replace")

    def __exit__(self, *_: object) -> None:
        end(self._process, signal.SIGKILL)


def test_reason_of_a_letter_is_in_its_header(installation: Installation):
    """What people read: stage, place and reason of one letter, as JSON in its header."""
    installation.produce(kafka_topics.TAGGED, [(b"cle", b"{}")])
    with play(installation) as begun:
        begun.finish("cluster", seconds=60)
    (letter,) = (dead_letter_of(record.headers) for record in installation.records(kafka_topics.DEAD))
    assert (letter.stage, letter.reason, letter.kafka_topic, letter.partition, letter.offset) == (
        "cluster",
        "invalid_message",
        f"{installation.prefix}articles.tagged",
        0,
        0,
    )

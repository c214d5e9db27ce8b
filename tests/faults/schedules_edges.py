"""The schedules of the protections of sink, poller and withdrawal orders; see schedules.py."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from deploy.newsstand.expectations import Expectation, expectations
from processors import cluster
from schemas import kafka_topics
from schemas.codec import decode_enriched, encode
from schemas.withdrawals import WithdrawalOrder, order_key
from tests.articles import NOON
from tests.faults.evidence import evidence_of, undone
from tests.faults.feeding import clustered, fed, id_of, published, reading, text, trace_of, withdrawal
from tests.faults.oracle import stage_faults
from tests.faults.play import Play
from tests.faults.published import newsstand_faults
from tests.faults.revisions import items_of
from tests.faults.schedules import ALTERNATING, REDELIVERED_BY_ENRICH, Schedule, done, judged
from tests.faults.simulation import Simulation
from tests.integration.open_newsstand import open_newsstand
from tests.services import wait_until

PUBLISHER = "apl.example"
"""Of the newsstand: three articles, none of them corrected, so that none comes a second time."""


def stale_sink(play: Play) -> list[str]:
    """A sink freezes with revision 1 in hand; another one takes over and writes 1 and 2; then the first one wakes."""
    play.installation.produce_records(kafka_topics.ENRICHED, [published(clustered("a", "1", 1))])
    first = play.frozen("index", "after_poll:1", log="index-frozen")
    play.installation.produce_records(kafka_topics.ENRICHED, [published(clustered("a", "2", 2))])
    second = play.start("index", log="index-second")
    wait_until(lambda: second.poll() is not None or not undone(play.installation, "index"), "the second writes", 60)
    play.wake(first, seconds=8)
    play.close()
    return judged(play, "index")


def killed_sink(play: Play) -> list[str]:
    """The sink is killed with records in hand that it has not written."""
    play.installation.produce_records(kafka_topics.ENRICHED, [published(clustered("a", "1", 1))])
    play.killed("index", "after_poll:1")
    play.finish("index")
    return judged(play, "index")


def late_trace(play: Play) -> list[str]:
    """A forgotten article is withdrawn in the index; then a trace of it comes late."""
    _give_order(play, "a")
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING[:1])
    null = withdrawal("a", 2)
    play.installation.produce_records(kafka_topics.ENRICHED, [published(clustered("a", "1", 1)), published(null)])
    play.finish("index")
    play.installation.produce(kafka_topics.TRACE, [trace_of("a")])
    play.finish("index")
    return judged(play, "index")


def in_flight(play: Play) -> list[str]:
    """An article is on its way to cluster when an order is given that covers it; nothing else withdraws it."""
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING[:1])
    _give_order(play, "a")
    play.installation.produce(kafka_topics.TAGGED, REDELIVERED_BY_ENRICH[:1])
    play.finish("cluster")
    return judged(play, "cluster")


def announced_again(play: Play) -> list[str]:
    """While dedupe works, an order is given for an address that has not been seen yet; then the feed announces it."""
    dedupe = play.start("dedupe")
    play.installation.produce(kafka_topics.FETCHED, fed(reading("b", "1", 0)))
    wait_until(lambda: dedupe.poll() is not None or done(play, "dedupe"), "dedupe works", 60)
    _give_order(play, "a")
    play.installation.produce(kafka_topics.FETCHED, ALTERNATING)
    wait_until(lambda: dedupe.poll() is not None or not undone(play.installation, "dedupe"), "it decides", 30)
    held = evidence_of(play.installation, "dedupe")
    published = [item for item in items_of(held.of(kafka_topics.UNIQUE)).get(id_of("a"), []) if item.content]
    late = [f"{id_of('a')[:8]}: {item.shown} is on articles.unique, though its order came first" for item in published]
    return [*late, *stage_faults(held, "dedupe")]


def _give_order(play: Play, name: str) -> None:
    order = WithdrawalOrder(scope="article", target=id_of(name), requested_at=NOON)
    play.installation.produce(kafka_topics.WITHDRAWALS, [(order_key(order).encode(), encode(order))])


def poller_killed_at(point: str) -> Schedule:
    """One publisher of the newsstand is read; the poller is killed at the failpoint and started again."""

    def schedule(play: Play) -> list[str]:
        expected = [wanted for wanted in expectations() if wanted.publisher == PUBLISHER]
        with open_newsstand(play.installation.folder) as (_, settings):
            _keep_only(Path(settings["KIOSQUE_FEEDS_FILE"]), PUBLISHER)
            play.settings |= settings
            play.killed("poll", point)
            play.start("poll")
            with suppress(AssertionError):
                wait_until(lambda: not _unpublished(play, expected), "all is published", 30)
            play.close()
        return _unpublished(play, expected)

    return schedule


def _unpublished(play: Play, expected: list[Expectation]) -> list[str]:
    held = evidence_of(play.installation)
    return newsstand_faults(expected, held.of(kafka_topics.FETCHED), held.of(kafka_topics.TRACE))


def _keep_only(feeds_file: Path, publisher: str) -> None:
    tables = feeds_file.read_text(encoding="utf-8").split("[[publisher]]")
    feeds_file.write_text("".join(f"[[publisher]]{t}" for t in tables if f'id = "{publisher}"' in t), encoding="utf-8")


def back_after_a_year(play: Play) -> list[str]:
    """An article is revised, forgotten by both stages after 400 days of silence, and announced again. A simulation."""
    later = timedelta(days=405)
    simulation = Simulation()
    simulation.publish(fed(reading("a", "1", 0), reading("a", "2", 1)))
    simulation.run()
    simulation.now = NOON + later
    minutes_later = later.total_seconds() / 60
    simulation.publish(fed(reading("b", "1", minutes_later)))
    simulation.run()
    with patch.object(cluster, "HORIZON", timedelta(days=500) if play.without else cluster.HORIZON):
        simulation.forget_old()
    simulation.publish(fed(reading("a", "3", minutes_later + 1)))
    held = simulation.run().evidence()
    last = [r for r in held.of(kafka_topics.ENRICHED) if r.key == id_of("a").encode()][-1]
    if text("a", "3") == decode_enriched(last.value or b"").text:
        return []
    return [f"{id_of('a')[:8]}: what it says when it comes back is missing on articles.enriched"]

"""The protections: what each is, how it is taken away, and the schedule that then goes wrong."""

from dataclasses import dataclass
from typing import Final

from tests.faults import schedules, schedules_edges
from tests.faults.schedules import Schedule


@dataclass(frozen=True)
class Protection:
    """One protection.

    Attributes:
        name: as `tests.faults.service --without` knows it.
        what: what it is, for the table.
        instead: what stands in its place when it is taken away.
        plot: the schedule in words.
        schedule: the schedule.
        removal: where it is taken away by another one's removal.
        simulated: played with the real decisions in memory, without servers; the schedule takes the protection away.
    """

    name: str
    what: str
    instead: str
    plot: str
    schedule: Schedule
    removal: str = ""
    simulated: bool = False


PROTECTIONS: Final = (
    Protection(
        "fencing",
        "one transactional id for each input partition: a new owner fences the former",
        "a transactional id for each worker",
        "dedupe frozen at `after_decide`, another takes over, the first wakes",
        schedules.frozen_and_woken("after_decide", schedules.ALTERNATING),
    ),
    Protection(
        "transactions",
        "outputs, traces and state in one transaction",
        "written one after the other",
        "dedupe killed at `after_send`",
        schedules.killed_at("dedupe", "after_send:2", schedules.ALTERNATING),
    ),
    Protection(
        "restore-after-fence",
        "the state is read after the former owner is fenced",
        "read before",
        "dedupe frozen at `after_decide`, woken while its successor is at `after_restore`",
        schedules.woken_during_takeover,
    ),
    Protection(
        "read-committed-state",
        "state is read committed",
        "read uncommitted",
        "dedupe killed at `after_send`",
        schedules.killed_at("dedupe", "after_send:2", schedules.ALTERNATING),
    ),
    Protection(
        "offset-rule",
        "dedupe: an offset not above the recorded one is a redelivery",
        "decided again",
        "a clock was set back between two readings; dedupe killed at `after_commit`",
        schedules.killed_at("dedupe", "after_commit", schedules.CLOCK_SET_BACK),
    ),
    Protection(
        "withdrawn-rule",
        "dedupe: withdrawn for good",
        "a reading after a withdrawal is a revision",
        "read, withdrawn, read again",
        schedules.in_order("dedupe", schedules.READ_AFTER_WITHDRAWAL),
    ),
    Protection(
        "superseded-rule",
        "dedupe: an older reading is superseded",
        "the last one to arrive counts",
        "v2, then a late v1",
        schedules.in_order("dedupe", schedules.LATE_READING),
    ),
    Protection(
        "announced-number",
        "dedupe: a later change that the feed announced is never old",
        "the time of reading alone",
        "v1, clock set back, v2",
        schedules.in_order("dedupe", schedules.CLOCK_SET_BACK),
    ),
    Protection(
        "reading-time",
        "dedupe: a later reading is never old",
        "the announced number alone",
        "v1 as change 5, the poller's memory is lost, v2 as change 0",
        schedules.in_order("dedupe", schedules.MEMORY_LOST),
    ),
    Protection(
        "same-content-rule",
        "dedupe: the same fingerprint is not a revision",
        "every reading is one",
        "v1, v1",
        schedules.in_order("dedupe", schedules.SAME_AGAIN),
    ),
    Protection(
        "input-identity",
        "dedupe: the state knows which topic its offsets are of",
        "offsets alone",
        "articles.fetched deleted and made anew",
        schedules.input_made_anew,
    ),
    Protection(
        "exception-rule",
        "nothing leaves the agent's block: the process ends, uncommitted",
        "the exception goes up to Faust",
        "an error at dedupe's `after_take`",
        schedules.raising_at("dedupe", "after_take", schedules.ALTERNATING),
    ),
    Protection(
        "acknowledged-before-commit",
        "enrich: offsets are committed after Kafka has acknowledged the results",
        "a write returns when it is buffered",
        "enrich killed at `after_offsets`",
        schedules.killed_at("enrich", "after_offsets", schedules.REVISIONS),
    ),
    Protection(
        "read-committed-workers",
        "workers read committed records only",
        "as faust-streaming does by itself",
        "dedupe killed at `after_send`, enrich reads on",
        schedules.aborted_before_enrich,
    ),
    Protection(
        "in-order-commits",
        "workers commit the last offset done, gaps or not",
        "as faust-streaming does by itself",
        "enrich has done a partition's first message, dedupe is killed at `after_send` in the second",
        schedules.aborted_behind_the_first,
    ),
    Protection(
        "version-guard",
        "cluster drops what is not above the known version",
        "passed on",
        "r1, r2, r1, r2, as enrich writes after a crash",
        schedules.in_order("cluster", schedules.REDELIVERED_BY_ENRICH),
    ),
    Protection(
        "read-committed-sink",
        "the sink reads committed records only",
        "read uncommitted",
        "cluster killed at `after_send`, the sink reads on",
        schedules.aborted_before_index,
    ),
    Protection(
        "document-versions",
        "the index takes no lower version (external_gte)",
        "the last one to write counts",
        "the sink frozen at `after_poll`, another takes over, the first wakes",
        schedules_edges.stale_sink,
    ),
    Protection(
        "sink-commits-after-answers",
        "the sink commits after Elasticsearch has answered for every item",
        "after reading",
        "the sink killed at `after_poll`",
        schedules_edges.killed_sink,
    ),
    Protection(
        "withdrawal-orders-cluster",
        "cluster obeys withdrawal orders",
        "only Withdrawal messages",
        "an order is given while the article is on articles.tagged",
        schedules_edges.in_flight,
        removal="withdrawal-orders",
    ),
    Protection(
        "withdrawal-orders-sink",
        "the sink obeys withdrawal orders",
        "only the null on articles.enriched",
        "forgotten and withdrawn; then a trace comes late",
        schedules_edges.late_trace,
        removal="withdrawal-orders",
    ),
    Protection(
        "orders-before-each-batch",
        "withdrawal orders are read to their end before each batch",
        "at the start",
        "an order is given while dedupe works, then the article is announced",
        schedules_edges.announced_again,
    ),
    Protection(
        "outbox-before-feed",
        "poll: pending pages are saved before the feed's new state",
        "after it",
        "poll killed at `after_feed_saved`",
        schedules_edges.poller_killed_at("after_feed_saved"),
    ),
    Protection(
        "article-before-page-record",
        "poll: a page record is deleted after Kafka has the article",
        "when the article is handed over",
        "poll killed at `after_page_deleted`",
        schedules_edges.poller_killed_at("after_page_deleted"),
    ),
    Protection(
        "size-check",
        "a result above 700 kB is a dead letter",
        "it is sent",
        "a reading of 1 MB",
        schedules.too_large,
    ),
    Protection(
        "cluster-forgets-first",
        "cluster forgets an article before dedupe does and counts from 1 again",
        "after it",
        "revised, silent for 405 days, announced again (simulation)",
        schedules_edges.back_after_a_year,
        simulated=True,
    ),
)

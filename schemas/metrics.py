"""Every metric: name, type, labels, help; and the protocol through which services report them.

A `Literal` of the names makes mypy refuse a misspelt metric. Names are part of the public surface.
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

MetricName = Literal[
    "ready",
    "heartbeats_total",
    "messages_in_total",
    "messages_out_total",
    "dispositions_total",
    "dead_letters_total",
    "stage_seconds",
    "feeds",
    "feed_polls_total",
    "page_fetches_total",
    "bytes_fetched_total",
    "state_entries",
    "transactions_total",
    "documents_total",
    "bulk_seconds",
    "freshness_seconds",
]


class Metric(Struct, frozen=True):
    """One metric, exported as `kiosque_` + name."""

    name: MetricName
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str


METRICS: Final = (
    Metric("ready", "gauge", ("stage",), "1 while the stage has its servers and does its work, 0 while it waits."),
    Metric(
        "heartbeats_total",
        "counter",
        ("stage",),
        "Turns of the stage's loop that finished work or found none; standing still, the stage is stuck.",
    ),
    Metric("messages_in_total", "counter", ("stage",), "Messages taken from the stage's input topic."),
    Metric("messages_out_total", "counter", ("stage",), "Messages acknowledged on the stage's output topic."),
    Metric("dispositions_total", "counter", ("stage", "disposition"), "What became of entries; see reasons.py."),
    Metric("dead_letters_total", "counter", ("stage", "reason"), "Messages set aside."),
    Metric("stage_seconds", "histogram", ("stage",), "Time from taking a batch to its acknowledged result."),
    Metric("feeds", "gauge", ("status",), "Feeds this poller owns, by the status of their last poll."),
    Metric("feed_polls_total", "counter", ("status",), "Polls by HTTP status, `304` included, or error slug."),
    Metric("page_fetches_total", "counter", ("status",), "Page fetches by HTTP status or error slug."),
    Metric("bytes_fetched_total", "counter", ("kind",), "Bytes read from feeds and pages, decompressed."),
    Metric("state_entries", "gauge", ("stage",), "Articles in the stage's memory."),
    Metric("transactions_total", "counter", ("stage", "outcome"), "Kafka transactions, committed or aborted."),
    Metric("documents_total", "counter", ("outcome",), "Bulk items by outcome: indexed, superseded, deleted, dead."),
    Metric("bulk_seconds", "histogram", (), "Time of one bulk request."),
    Metric("freshness_seconds", "histogram", (), "Age of an article when it became searchable: now less discovered."),
)


class Metrics(Protocol):
    """Where services report to. Labels are keyword arguments, exactly those that the metric declares."""

    def count(self, name: MetricName, value: float = 1, /, **labels: str) -> None:
        """Add to a counter."""

    def gauge(self, name: MetricName, value: float, /, **labels: str) -> None:
        """Set a gauge."""

    def observe(self, name: MetricName, value: float, /, **labels: str) -> None:
        """Add an observation, in seconds, to a histogram."""

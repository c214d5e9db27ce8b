"""What the sink counts: outcomes of bulk items, and what became of records. Names are in schemas.metrics."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from schemas.metrics import Metrics
from schemas.reasons import Disposition
from sinks.bulk_result import (
    FIRST_VERSION,
    Deleted,
    Done,
    Indexed,
    Outcome,
    Rejected,
    Superseded,
    Verdict,
)
from sinks.operations import Plan, SetAside

_ITEMS: Final[dict[type, str]] = {
    Indexed: "indexed",
    Superseded: "superseded",
    Deleted: "deleted",
    Rejected: "dead",
}

_DISPOSITIONS: Final[dict[type, Disposition]] = {
    Indexed: "indexed",
    Superseded: "superseded",
    Deleted: "withdrawn",
}


def report_outcomes(metrics: Metrics, outcomes: Iterable[Outcome]) -> None:
    """Count bulk items that have their final outcome; those to be tried again are counted then."""
    counts = Counter(_ITEMS[type(outcome)] for outcome in outcomes if type(outcome) in _ITEMS)
    for outcome, count in counts.items():
        metrics.count("documents_total", count, outcome=outcome)


def report_settled(
    metrics: Metrics, settled: Iterable[tuple[Plan | SetAside, Verdict]], *, started: datetime, now: datetime
) -> None:
    """Count what became of settled records, and observe how old new articles were when they became searchable."""
    metrics.observe("stage_seconds", max(0.0, (now - started).total_seconds()), stage="index")
    for planned, verdict in settled:
        if isinstance(verdict, SetAside):
            metrics.count("dead_letters_total", stage="index", reason=verdict.reason)
            metrics.count("dispositions_total", stage="index", disposition="dead_letter")
        elif isinstance(planned, Plan) and isinstance(verdict, Done):
            _report_done(metrics, planned, verdict, now)


def _report_done(metrics: Metrics, planned: Plan, done: Done, now: datetime) -> None:
    if not done.outcomes:
        return  # the trace of a withdrawn article
    outcome = done.outcomes[0]  # the article's; its revision follows
    if planned.article is None and not isinstance(outcome, Deleted):
        return  # a trace is a report itself
    metrics.count("messages_out_total", stage="index")
    metrics.count("dispositions_total", stage="index", disposition=_DISPOSITIONS[type(outcome)])
    if planned.article is not None and planned.article.version == FIRST_VERSION and outcome == Indexed(created=True):
        age = (now - planned.article.timeline.discovered).total_seconds()
        metrics.observe("freshness_seconds", max(0.0, age))

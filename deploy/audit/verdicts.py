"""The facts of one article -> its one outcome, or what is wrong with it. Pure.

What is under way is not judged: as soon as one stage has not come to one of its records, the next audit will tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from deploy.audit.chain_rules import chain_findings
from deploy.audit.dedupe_rules import dedupe_findings
from deploy.audit.facts import Fact, Kind
from deploy.audit.history import History, Horizon, place_of
from deploy.audit.index_rules import index_findings, withdrawal_findings
from deploy.audit.problems import STAGE_OF, Finding

Outcome = Literal["enriched", "withdrawn", "not_french", "set_aside", "not_held", "under_way", "faulty"]

OUTCOMES: Final[dict[Outcome, str]] = {
    "enriched": "on articles.enriched, and in the index as there",
    "withdrawn": "withdrawn, nothing is left of it",
    "not_french": "in another language",
    "set_aside": "among the dead letters",
    "not_held": "too old to be judged: its records are expired",
    "under_way": "under way",
    "faulty": "not as it must be",
}


@dataclass(frozen=True)
class Verdict:
    """What becomes of one key.

    Attributes:
        outcome: None where the key is no article but a record's place.
        findings: what is wrong; then the outcome is `faulty`.
    """

    outcome: Outcome | None
    findings: tuple[Finding, ...] = ()


def verdict(facts: Sequence[Fact], horizon: Horizon) -> Verdict:
    """Judge one key's facts, all of them, those of one topic in the order of the log."""
    history = History(facts)
    if history.of(Kind.UNREADABLE) or history.of(Kind.LETTER_AT):
        return Verdict(None, tuple(_place_findings(history)))
    if history.pending:
        return Verdict("under_way")
    findings = [*dedupe_findings(history, horizon), *chain_findings(history, horizon)]
    if horizon.with_index:
        findings += index_findings(history, horizon)
    findings += withdrawal_findings(history)
    return Verdict("faulty", tuple(findings)) if findings else Verdict(_outcome(history))


def _place_findings(history: History) -> list[Finding]:
    if history.pending or history.of(Kind.LETTER_AT):
        return []
    return [
        Finding("not_set_aside", "", f"{STAGE_OF[place.kafka_topic]} can make nothing of the record", place)
        for fact in history.of(Kind.UNREADABLE)[:1]
        if (place := place_of(fact)) is not None
    ]


def _outcome(history: History) -> Outcome:
    if history.is_withdrawn:
        return "withdrawn"
    if history.standing is not None:
        return "enriched"
    if history.of(Kind.FOREIGN):
        return "not_french"
    if history.of(Kind.LETTER):
        return "set_aside"
    return "not_held"

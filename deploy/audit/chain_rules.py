"""articles.unique -> .tagged -> .enriched: the last of each hop went on, and versions never go back. Pure.

Only the last is asked for: earlier ones are superseded, and a compacted topic need not hold them. What became of
earlier revisions the index of revisions tells (index_rules.py).
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from deploy.audit.facts import Fact, Kind
from deploy.audit.history import History, Horizon
from deploy.audit.problems import Finding
from schemas.kafka_topics import TRACE
from schemas.messages import revision_of, run_of, version_of


def chain_findings(history: History, horizon: Horizon) -> Iterator[Finding]:
    """What is wrong with this article between dedupe and articles.enriched."""
    yield from _enrich(history, horizon)
    yield from _reenrich(history, horizon)
    yield from _cluster(history)
    yield from _order(history)


def shown(version: int) -> str:
    """A version in words."""
    run = run_of(version)
    return f"revision {revision_of(version)}" + (f" of run {run}" if run else "")


def _enrich(history: History, horizon: Horizon) -> Iterator[Finding]:
    last = _highest(history.kept(Kind.UNIQUE, Kind.UNIQUE_WITHDRAWAL))
    if last is None or not horizon.holds(TRACE, last.seconds):
        return
    if last.kind == Kind.UNIQUE_WITHDRAWAL:
        if not history.is_withdrawn and not history.of(Kind.TAGGED_WITHDRAWAL):
            yield history.finding("lost_at_enrich", f"withdrawal {last.number} is not on articles.tagged", last)
    elif not history.is_foreign(last.number, rerun=False) and not _went_on(history, version_of(last.number or 1, 0)):
        found = f"revision {last.number} is neither on articles.tagged nor in another language"
        yield history.finding("lost_at_enrich", found, last)


def _reenrich(history: History, horizon: Horizon) -> Iterator[Finding]:
    last = _highest(history.kept(Kind.REENRICH))
    if last is None or not horizon.holds(TRACE, last.seconds) or _went_on(history, last.number):
        return
    if not history.is_foreign(revision_of(last.number), rerun=True):
        yield history.finding("lost_at_reenrich", f"{shown(last.number)} is not on articles.tagged", last)


def _went_on(history: History, version: int) -> bool:
    """Whether this version, or what supersedes it, is on a later topic."""
    if history.is_withdrawn or history.reached >= version or history.of(Kind.TAGGED_WITHDRAWAL):
        return True
    return any(fact.number >= version for fact in history.of(Kind.TAGGED))


def _cluster(history: History) -> Iterator[Finding]:
    if history.is_withdrawn:
        return
    asked = history.kept(Kind.TAGGED_WITHDRAWAL)
    if asked:
        yield history.finding("lost_at_cluster", "a withdrawal is not on articles.enriched", asked[-1])
        return
    last = _highest(history.kept(Kind.TAGGED))
    if last is not None and history.reached < last.number:
        ends = f"ends with {shown(history.reached)}" if history.reached else "has nothing of it"
        found = f"{shown(last.number)} is on articles.tagged, articles.enriched {ends}"
        yield history.finding("lost_at_cluster", found, last)


def _order(history: History) -> Iterator[Finding]:
    for before, after in pairwise(history.enriched):
        is_article = after.kind == Kind.ENRICHED
        if after.number < before.number:
            found = f"{shown(after.number)} follows {shown(before.number)}"
            yield history.finding("versions_go_back", found, after)
        elif is_article and before.kind == Kind.ENRICHED_NULL:
            yield history.finding("versions_go_back", f"{shown(after.number)} follows its withdrawal", after)
        elif is_article and after.number == before.number:
            yield history.finding("twice_at_cluster", f"{shown(after.number)} is there twice", after)


def _highest(facts: Iterable[Fact]) -> Fact | None:
    return max(facts, key=lambda fact: fact.number, default=None)

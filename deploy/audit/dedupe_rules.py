"""articles.fetched -> articles.unique: every reading has its outcome, revisions are numbered 1, 2, 3, each once. Pure.

dedupe writes article and trace in one transaction, and a trace for every reading; so each must have the other, as far
back as both topics tell. A dead letter that is tried again stands on its topic twice, which is right.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from deploy.audit.facts import Fact, Flag, Kind
from deploy.audit.history import WITHDRAWN, History, Horizon
from deploy.audit.problems import Finding
from deploy.audit.records import DECIDED, instant_of
from schemas.kafka_topics import FETCHED, TRACE, UNIQUE


def dedupe_findings(history: History, horizon: Horizon) -> Iterator[Finding]:
    """What is wrong with this article between the two topics."""
    yield from _unanswered(history, horizon)
    yield from _announced_only(history, horizon)
    yield from _stray(history, horizon)
    yield from _numbers(history)


def trace_half(article_id: str, disposition: str, fetched_at: int) -> int:
    """The first half of the trace_id that dedupe gives to a reading (processors.stages.trace, processors.dedupe).

    Args:
        article_id: of the article.
        disposition: what dedupe said of the reading.
        fetched_at: of the reading, in microseconds since 1970.
    """
    attempt = instant_of(fetched_at).isoformat()
    digest = hashlib.blake2b(f"{article_id}\ndedupe\n{disposition}\n{attempt}".encode(), digest_size=16)
    return int.from_bytes(digest.digest()[:8])


def _unanswered(history: History, horizon: Horizon) -> Iterator[Finding]:
    traces = history.of(Kind.DEDUPED)
    is_withdrawn = any(fact.code == WITHDRAWN and fact.extra for fact in traces)
    if is_withdrawn:
        return  # for good: whatever was read of it, nothing must come of it
    said = {fact.number for fact in traces}
    for fact in history.kept(Kind.READING, Kind.WITHDRAWAL_ASKED):
        if not horizon.holds(TRACE, fact.seconds) or _is_answered(history, fact, said):
            continue
        what = "a withdrawal"
        if fact.kind == Kind.READING:
            what = f"the reading of {instant_of(fact.number):%Y-%m-%d %H:%M:%S} UTC"
        yield history.finding("lost_at_dedupe", f"{what} has no outcome", fact)


def _is_answered(history: History, reading: Fact, said: set[int]) -> bool:
    if reading.kind == Kind.WITHDRAWAL_ASKED:
        return False
    if reading.flags & Flag.ELSEWHERE:
        return bool(said)
    return any(trace_half(history.article_id, disposition, reading.number) in said for disposition in DECIDED)


def _announced_only(history: History, horizon: Horizon) -> Iterator[Finding]:
    there = {fact.number for fact in history.of(Kind.UNIQUE, Kind.UNIQUE_WITHDRAWAL)}
    for revision, trace in history.announced.items():
        if revision not in there and horizon.holds(UNIQUE, trace.seconds):
            what = "withdrawal" if trace.code == WITHDRAWN else "revision"
            yield history.finding(
                "lost_at_dedupe",
                f"dedupe says that it accepted {what} {revision}, but articles.unique does not have it",
            )


def _stray(history: History, horizon: Horizon) -> Iterator[Finding]:
    read = {fact.number for fact in history.of(Kind.READING)}
    for fact in _firsthand(history.kept(Kind.UNIQUE, Kind.UNIQUE_WITHDRAWAL)):
        is_article = fact.kind == Kind.UNIQUE
        if horizon.holds(TRACE, fact.seconds) and fact.number not in history.announced:
            what = "revision" if is_article else "withdrawal"
            found = f"{what} {fact.number}, of which dedupe's trace says nothing"
            yield history.finding("stray_at_dedupe", found, fact)
        elif is_article and fact.extra not in read and _must_be_read(fact, horizon):
            found = f"revision {fact.number} of a reading that articles.fetched has not"
            yield history.finding("stray_at_dedupe", found, fact)


def _firsthand(facts: Iterable[Fact]) -> list[Fact]:
    """Without dead letters that were tried again: what dedupe itself wrote, once."""
    return [fact for fact in facts if not fact.flags & Flag.RESENT]


def _must_be_read(fact: Fact, horizon: Horizon) -> bool:
    """Whether the reading behind an accepted article must still be held.

    Of a topic that was made anew only what came later can be asked; dedupe goes on with it (docs/delivery.md).
    """
    fetched_seconds = fact.extra // 1_000_000
    return fact.seconds > horizon.first_fetched > 0 and horizon.holds(FETCHED, fetched_seconds)


def _numbers(history: History) -> Iterator[Finding]:
    facts = _firsthand(history.kept(Kind.UNIQUE, Kind.UNIQUE_WITHDRAWAL))
    for number, times in Counter(fact.number for fact in facts).items():
        if times > 1:
            yield from _doubled(history, [fact for fact in facts if fact.number == number])
    set_aside = {fact.number for fact in history.of(Kind.UNIQUE) if history.is_set_aside(fact)}
    for before, after in pairwise(facts):
        between = range(before.number + 1, after.number)
        if after.number < before.number or not all(number in set_aside for number in between):
            yield history.finding("revision_gap", f"revision {after.number} follows {before.number}", after)


def _doubled(history: History, same: Sequence[Fact]) -> Iterator[Finding]:
    """Two records of one number; only a withdrawal may be said again."""
    articles = [fact for fact in same if fact.kind == Kind.UNIQUE]
    if not articles:
        return
    found = f"{same[0].number} is a revision and a withdrawal"
    if len(articles) > 1:
        readings = "the same reading" if len({fact.extra for fact in articles}) == 1 else "different readings"
        found = f"revision {same[0].number} {len(articles)} times, of {readings}"
    yield history.finding("twice_at_dedupe", found, same[-1])

"""articles.enriched -> the index: the last record of each article and nothing else, every revision that is known. Pure.

A record that the sink set aside need not be in the index, but may be: its letter may have been tried again.
"""

from collections.abc import Iterator

from deploy.audit.chain_rules import shown
from deploy.audit.facts import Fact, Flag, Kind
from deploy.audit.history import History, Horizon
from deploy.audit.problems import Finding
from schemas.kafka_topics import TRACE
from schemas.messages import revision_of


def index_findings(history: History, horizon: Horizon) -> Iterator[Finding]:
    """What is wrong with this article in the index, if the index was asked."""
    yield from _articles(history)
    yield from _revisions(history, horizon)


def withdrawal_findings(history: History) -> Iterator[Finding]:
    """What a withdrawal order covers and is still there."""
    if not history.covered:
        return
    documents = [fact for fact in history.of(Kind.DOCUMENT, Kind.REVISION) if fact.flags & Flag.COVERED]
    standing = history.standing
    if documents:
        yield history.finding("not_withdrawn", f"{_documents(len(documents))} in the index")
    elif standing is not None and standing.kind == Kind.ENRICHED:
        yield history.finding("not_withdrawn", "articles.enriched does not end with its withdrawal", standing)


def _articles(history: History) -> Iterator[Finding]:
    documents = history.of(Kind.DOCUMENT)
    standing = history.standing
    if len(documents) > 1:
        yield history.finding("twice_in_index", _documents(len(documents)))
    if documents and standing is not None and standing.kind == Kind.ENRICHED_NULL:
        yield history.finding("stray_in_index", "a document stands though the article was withdrawn", standing)
    elif documents and not history.of(Kind.ENRICHED):
        found = f"a document of {shown(documents[0].number)}, and nothing on articles.enriched"
        yield history.finding("stray_in_index", found)
    elif not documents and standing is not None and standing.kind == Kind.ENRICHED:
        yield history.finding("missing_in_index", f"{shown(standing.number)} has no document", standing)
    elif standing is not None:
        yield from _versions(history, documents, standing)


def _versions(history: History, documents: list[Fact], standing: Fact) -> Iterator[Finding]:
    right = {standing.number} | {fact.number for fact in history.of(Kind.ENRICHED) if history.is_set_aside(fact)}
    wrong = [fact.number for fact in documents if fact.number not in right]
    if wrong:
        found = f"the index holds {shown(wrong[0])}, articles.enriched ends with {shown(standing.number)}"
        yield history.finding("wrong_in_index", found, standing)


def _revisions(history: History, horizon: Horizon) -> Iterator[Finding]:
    held = {fact.number: fact.extra for fact in history.of(Kind.REVISION)}
    if history.is_withdrawn or not history.of(Kind.ENRICHED):
        if held:
            why = "the article was withdrawn" if history.is_withdrawn else "nothing is on articles.enriched"
            yield history.finding("stray_revision", f"revision {min(held)} stands though {why}")
        return
    due = _due_revisions(history, horizon)
    for revision, version in due.items():
        if held.get(revision, -1) < version:
            yield history.finding("revision_missing", _missing(revision, held.get(revision), version))
    highest = revision_of(history.reached)
    for revision, version in held.items():
        if revision > highest or revision_of(version) != revision or version > history.reached:
            found = f"revision {revision} as {shown(version)}, articles.enriched ends with {shown(history.reached)}"
            yield history.finding("stray_revision", found)


def _missing(revision: int, held: int | None, version: int) -> str:
    if held is None:
        return f"revision {revision} is not in the index of revisions"
    return f"revision {revision} in the index of revisions is {shown(held)}, not {shown(version)}"


def _due_revisions(history: History, horizon: Horizon) -> dict[int, int]:
    """Revision -> the version that its document must have at least.

    Those on articles.enriched; and those before them on articles.unique, which compaction may have taken from there,
    unless they ended before: in another language, or set aside and perhaps tried again too late.
    """
    due: dict[int, int] = {}
    for fact in history.enriched:
        if fact.kind == Kind.ENRICHED:
            due[revision_of(fact.number)] = fact.number
    for fact in history.of(Kind.UNIQUE):
        is_earlier = 0 < fact.number < revision_of(history.reached) and fact.number not in due
        if is_earlier and horizon.holds(TRACE, fact.seconds) and not _ended_before(history, fact.number):
            due[fact.number] = 0
    return due


def _ended_before(history: History, revision: int) -> bool:
    return history.is_foreign(revision, rerun=False) or history.revision_set_aside(revision)


def _documents(count: int) -> str:
    return f"{count} document{'' if count == 1 else 's'}"

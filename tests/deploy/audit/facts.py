"""Facts for tests: one article's clean history, piece by piece, which a test changes where it cares."""

from dataclasses import replace as replaced
from typing import Any

from deploy.audit.dedupe_rules import trace_half
from deploy.audit.facts import TOPIC_NUMBER, Fact, Flag, Kind
from deploy.audit.history import Horizon
from deploy.audit.records import DECIDED
from deploy.audit.verdicts import Verdict, verdict
from schemas.messages import version_of
from schemas.reasons import Disposition

KEY = bytes.fromhex("0f" * 16)
ID = KEY.hex()
START = 1_790_000_000
"""When the first record was written, in seconds since 1970."""

EVERYTHING = Horizon({}, first_fetched=START)

MICROSECONDS = 1_000_000


def at(minute: int) -> int:
    """fetched_at of a reading, in microseconds since 1970."""
    return (START + 60 * minute) * MICROSECONDS


def fact(kind: Kind, **values: Any) -> Fact:
    return Fact(**{"key": KEY, "kind": kind, "seconds": START + 3600, **values})


def reading(minute: int = 0, **values: Any) -> Fact:
    return fact(Kind.READING, number=at(minute), offset=minute, **values)


def deduped(disposition: Disposition = "accepted", minute: int = 0, revision: int = 0, **values: Any) -> Fact:
    number = trace_half(ID, disposition, at(minute))
    return fact(Kind.DEDUPED, code=DECIDED.index(disposition), number=number, extra=revision, **values)


def unique(revision: int = 1, minute: int = 0, **values: Any) -> Fact:
    return fact(Kind.UNIQUE, **{"number": revision, "extra": at(minute), "offset": revision, **values})


def tagged(revision: int = 1, run: int = 0, **values: Any) -> Fact:
    version = version_of(revision, run)
    return fact(Kind.TAGGED, **{"number": version, "offset": version, **values})


def enriched(revision: int = 1, run: int = 0, **values: Any) -> Fact:
    version = version_of(revision, run)
    return fact(Kind.ENRICHED, **{"number": version, "offset": version, **values})


def null(revision: int = 1, **values: Any) -> Fact:
    version = version_of(revision, 0)
    return fact(Kind.ENRICHED_NULL, **{"number": version, "offset": version, **values})


def document(revision: int = 1, run: int = 0, **values: Any) -> Fact:
    return fact(Kind.DOCUMENT, number=version_of(revision, run), **values)


def revision(number: int = 1, run: int = 0, **values: Any) -> Fact:
    return fact(Kind.REVISION, **{"number": number, "extra": version_of(number, run), **values})


def letter(topic: str, set_aside: Fact, version: int = 0) -> Fact:
    """The dead letter of a record."""
    return fact(
        Kind.LETTER,
        code=TOPIC_NUMBER[topic],
        partition=set_aside.partition,
        offset=set_aside.offset,
        number=version,
    )


def accepted(number: int, minute: int) -> list[Fact]:
    """A reading that became a revision."""
    said: Disposition = "accepted" if number == 1 else "revised"
    return [reading(minute), deduped(said, minute, number), unique(number, minute)]


def carried(number: int) -> list[Fact]:
    """A revision from enrich to the index of revisions."""
    return [tagged(number), enriched(number), revision(number)]


def clean(revisions: int = 1) -> list[Fact]:
    """An article that went all the way so many times, and was read unchanged once more."""
    facts = [one for number in range(1, revisions + 1) for one in [*accepted(number, number), *carried(number)]]
    return [*facts, reading(50), deduped("not_modified", 50), document(revisions)]


def withdrawn() -> list[Fact]:
    """An article that went all the way and was withdrawn then."""
    return [
        *accepted(1, 1),
        tagged(1),
        enriched(1),
        fact(Kind.WITHDRAWAL_ASKED, offset=90),
        fact(Kind.DEDUPED, code=DECIDED.index("withdrawn"), number=1, extra=2),
        fact(Kind.UNIQUE_WITHDRAWAL, number=2, offset=90),
        fact(Kind.TAGGED_WITHDRAWAL, number=version_of(2, 0), offset=version_of(2, 0)),
        null(2),
    ]


def without(facts: list[Fact], *kinds: Kind, number: int | None = None) -> list[Fact]:
    """Without the facts of these kinds, or only those of them with this number."""
    return [one for one in facts if one.kind not in kinds or (number is not None and one.number != number)]


def judged(facts: list[Fact], horizon: Horizon = EVERYTHING, **changes: Any) -> Verdict:
    return verdict(facts, replaced(horizon, **changes))


def problems(facts: list[Fact], horizon: Horizon = EVERYTHING, **changes: Any) -> list[str]:
    """The slugs of what is wrong, in order."""
    return [finding.problem for finding in judged(facts, horizon, **changes).findings]


PENDING = Flag.PENDING

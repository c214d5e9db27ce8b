"""(what is remembered of a feed, what it says now) -> what is to be done. Decides only; poller.py carries it out.

new            never seen in this feed nor in another of its politeness group → fetch
changed        the feed says something else of an entry than before → fetch again, a revision
before_start   first reading of the feed: too old to be fetched → marked as seen, traced
(silent)       seen before, or already known through another feed of the group → only remembered

Each reading that is asked for has a number, one more than any that is known of the entry: it orders readings where
clocks cannot. A feed that is read less often shows old states of an entry for a while. Therefore what it says is known
already only if another feed's change to just that has a higher number than its own last one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec import Struct

from producers.entries import Entry
from producers.records import FeedState, PendingPage, Seen

MIN_MEMORY: Final = 300
"""Entries remembered for each feed at least; else three times what the feed shows."""

_FAR_PAST: Final = datetime.min.replace(tzinfo=UTC)


class Decision(Struct, frozen=True, kw_only=True):
    """What a reading of a feed asks for; `new` and `changed` newest first."""

    new: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()
    before_start: tuple[Entry, ...] = ()
    seen: dict[str, Seen] = {}


def entry_hash(entry: Entry) -> str:
    """What the feed says of an entry, as 64 bits: title, summary and date of change. Empty parts count as absent."""
    modified = entry.modified_at if entry.modified_at != entry.published_at else None
    parts = ("1", entry.title, entry.summary or "", modified.isoformat() if modified else "")
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()


def decide(
    state: FeedState,
    entries: tuple[Entry, ...],
    *,
    known: Mapping[str, Mapping[str, int]],
    waiting: Mapping[str, PendingPage],
    now: datetime,
    first_run_hours: float,
) -> Decision:
    """What is to be done with a feed's entries.

    Args:
        state: the feed's memory; a feed never read before has no `last_read_at`.
        entries: as parsed; an id may occur twice, its first occurrence counts.
        known: entry id -> hashes under which the other feeds of the group show it, with the reading of each.
        waiting: entry id -> the group's pending page of it, perhaps asked for by a poll that did not come to its end.
        now: the poll's time.
        first_run_hours: how old an entry may be to be fetched at the feed's first reading.
    """
    first_reading = state.last_read_at is None
    horizon = now - timedelta(hours=first_run_hours)
    new: list[Entry] = []
    changed: list[Entry] = []
    early: list[Entry] = []
    shown: dict[str, Seen] = {}
    for entry in entries:
        if entry.id in shown:
            continue
        before = state.seen.get(entry.id)
        verdict, seen = _judged(entry, before, known.get(entry.id, {}), waiting.get(entry.id), now)
        shown[entry.id] = seen
        if verdict == "changed":
            changed.append(entry)
        elif verdict == "new" and first_reading and entry.published_at is not None and entry.published_at < horizon:
            early.append(entry)
        elif verdict == "new":
            new.append(entry)
    return Decision(
        new=_newest_first(new),
        changed=_newest_first(changed),
        before_start=_newest_first(early),
        seen=_remembered(state.seen, shown),
    )


def with_reading(state: FeedState, decision: Decision, now: datetime) -> FeedState:
    """The feed's memory after a reading whose decision is being carried out."""
    return msgspec.structs.replace(state, seen=decision.seen, last_read_at=now)


def is_outdated(page: PendingPage, feeds: Iterable[FeedState]) -> bool:
    """Whether a later reading of the entry was asked for than this page record's.

    The owner of a politeness group replaces the page record before it remembers the feed. So this one was written
    later by a poller that had lost the group and did not know it yet.

    Args:
        page: a page record.
        feeds: what is remembered of all feeds of its group.
    """
    for state in feeds:
        seen = state.seen.get(page.entry.id)
        if seen is not None and (
            seen.reading > page.reading
            or (state.url == page.feed and seen.reading == page.reading and seen.entry_hash != entry_hash(page.entry))
        ):
            return True
    return False


def _judged(
    entry: Entry, before: Seen | None, elsewhere: Mapping[str, int], page: PendingPage | None, now: datetime
) -> tuple[Literal["new", "changed", "silent"], Seen]:
    """What a feed's saying is, and what is to be remembered of it."""
    said = entry_hash(entry)
    if before is None:
        if elsewhere:
            return "silent", Seen(said, int(now.timestamp()), elsewhere.get(said, 1))
        return "new", Seen(said, int(now.timestamp()), _next_reading(said, before, elsewhere, page))
    if said == before.entry_hash:
        return "silent", before
    if elsewhere.get(said, 0) > before.reading:
        return "silent", Seen(said, before.first_seen, elsewhere[said])
    return "changed", Seen(said, before.first_seen, _next_reading(said, before, elsewhere, page))


def _next_reading(said: str, before: Seen | None, elsewhere: Mapping[str, int], page: PendingPage | None) -> int:
    """The number of the reading that this change asks for; the same again if it was asked for just before a crash."""
    highest = max([before.reading if before else 0, *elsewhere.values()])
    if page is not None and page.reading > highest:
        return page.reading if entry_hash(page.entry) == said else page.reading + 1
    return highest + 1


def _newest_first(entries: list[Entry]) -> tuple[Entry, ...]:
    dated = [entry for entry in entries if entry.published_at is not None]
    undated = [entry for entry in entries if entry.published_at is None]
    return (*undated, *sorted(dated, key=lambda entry: entry.published_at or _FAR_PAST, reverse=True))


def _remembered(before: Mapping[str, Seen], shown: Mapping[str, Seen]) -> dict[str, Seen]:
    """All that the feed shows now, and of what it showed before the latest, within bounds."""
    room = max(MIN_MEMORY, 3 * len(shown)) - len(shown)
    older = [item for item in before.items() if item[0] not in shown]
    return {
        **dict(older[len(older) - room :] if len(older) > room else older),
        **{name: shown[name] for name in reversed(list(shown))},
    }

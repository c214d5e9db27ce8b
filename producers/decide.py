"""(what is remembered of a feed, what it says now) -> what is to be done. Decides only; poller.py carries it out.

new            never seen in this feed nor in another of its politeness group → fetch
changed        the feed says something else of an entry than before → fetch again, a revision
before_start   first reading of the feed: too old to be fetched → marked as seen, traced
(silent)       seen before, or already known through another feed of the group → only remembered
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from producers.entries import Entry
from producers.records import FeedState, Seen

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
    now: datetime,
    first_run_hours: float,
) -> Decision:
    """What is to be done with a feed's entries.

    Args:
        state: the feed's memory; a feed never read before has no `last_read_at`.
        entries: as parsed; an id may occur twice, its first occurrence counts.
        known: entry id -> hashes under which the other feeds of the group have shown it, with the reading of each.
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
        said, before, elsewhere = entry_hash(entry), state.seen.get(entry.id), known.get(entry.id, {})
        is_changed = before is not None and said != before.entry_hash and said not in elsewhere
        readings = max([before.reading if before else 0, *elsewhere.values()])
        first_seen = before.first_seen if before else int(now.timestamp())
        shown[entry.id] = Seen(said, first_seen, readings + 1 if is_changed or not readings else readings)
        if before is not None:
            if is_changed:
                changed.append(entry)
        elif elsewhere:
            continue
        elif first_reading and entry.published_at is not None and entry.published_at < horizon:
            early.append(entry)
        else:
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

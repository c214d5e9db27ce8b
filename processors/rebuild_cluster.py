"""state.cluster, made again. Pure; see rebuild.py."""

import array
from datetime import datetime, timedelta

from msgspec.structs import replace

from processors.cluster import STATE, Clustered
from processors.near_duplicates import signature
from processors.rebuild import Enriched, Existing, Plan
from schemas.messages import EnrichedArticle


def clustered_of(message: EnrichedArticle, *, compared: bool) -> Clustered:
    """What cluster remembered when it wrote this message.

    Args:
        message: of articles.enriched.
        compared: whether later articles may resemble it: false for those that have left the window.
    """
    state = Clustered(
        version=message.version,
        story_id=message.story.id,
        relation=message.story.relation,
        accepted_at=message.accepted_at,
        changed_at=message.timeline.accepted or message.accepted_at,
    )
    if not compared or message.genre == "live" or message.story.relation == "copy":
        return state
    kept = signature(message.text or "")
    if kept is None:
        return state
    return replace(state, shingles=kept.shingles, signature=array.array("I", kept.values).tobytes())


def clustered_withdrawn(version: int, at: datetime) -> Clustered:
    """What cluster remembers of an article that was withdrawn at `at`."""
    return Clustered(version, None, "independent", at)


class ClusterRebuild:
    """A partition of state.cluster: feed it all of articles.enriched, then the state topic, then ask for the plan.

    Args:
        window: how long an article can found or join a story.
    """

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._latest: datetime | None = None
        self._known: dict[bytes, Clustered] = {}
        self._existing = Existing(STATE)

    def enriched(self, record: Enriched) -> None:
        """Take over a record of articles.enriched."""
        if record.message is None:
            later = clustered_withdrawn(record.version, record.at)
        else:
            accepted_at = record.message.accepted_at
            self._latest = max(self._latest or accepted_at, accepted_at)
            later = clustered_of(record.message, compared=self._is_open(accepted_at))
        known = self._known.get(record.key)
        if known is None or later.version >= known.version:
            self._known[record.key] = later

    def existing(self, key: bytes, value: bytes | None) -> None:
        """Take over a record of the state topic."""
        self._existing.load(key, value)

    def plan(self) -> Plan[Clustered]:
        """What to write, in the order of acceptance: as cluster needs its open stories."""
        rebuilt = []
        for key, state in sorted(self._known.items(), key=lambda item: item[1].accepted_at):
            existing = self._existing.readable.get(key)
            if existing is None or _stands_behind(existing, state):
                rebuilt.append((key, state if self._is_open(state.accepted_at) else _closed(state)))
        kept = len(self._existing.readable.keys() - {key for key, _ in rebuilt})
        damaged = tuple(sorted(self._existing.damaged - self._known.keys()))
        return Plan(STATE, tuple(rebuilt), damaged, kept)

    def _is_open(self, accepted_at: datetime) -> bool:
        return self._latest is not None and accepted_at >= self._latest - self._window


def _stands_behind(existing: Clustered, rebuilt: Clustered) -> bool:
    return existing.story_id is not None and existing.version < rebuilt.version


def _closed(state: Clustered) -> Clustered:
    return replace(state, shingles=0, signature=b"")

"""state.cluster, made again. Pure; see rebuild.py."""

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
    return replace(state, shingles=kept.shingles, signature=kept.packed)


def clustered_withdrawn(version: int, at: datetime) -> Clustered:
    """What cluster remembers of an article that was withdrawn at `at`."""
    return Clustered(version, None, "independent", at)


class ClusterRebuild:
    """A partition of state.cluster: feed it the topics in the order of its methods, then ask for the plan.

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
            later = clustered_of(record.message, compared=False)
            self._latest = max(self._latest or later.accepted_at, later.accepted_at)
        known = self._known.get(record.key)
        if known is None or later.version >= known.version:
            self._known[record.key] = later

    @property
    def window_start(self) -> datetime | None:
        """Articles accepted at this moment or later are compared with those to come; None if there are none at all.

        Known only when articles.enriched has been read to its end; a signature costs as much as ten readings, and
        nearly all articles of an archive need none.
        """
        return self._latest - self._window if self._latest else None

    def enriched_again(self, record: Enriched) -> None:
        """Take the signature from a record that was given to `enriched`, if it is the last and in the window."""
        known = self._known.get(record.key)
        if known is not None and record.message is not None and known.version == record.version:
            compared = self.window_start is not None and known.accepted_at >= self.window_start
            self._known[record.key] = clustered_of(record.message, compared=compared)

    def existing(self, key: bytes, value: bytes | None) -> None:
        """Take over a record of the state topic."""
        self._existing.load(key, value)

    def plan(self) -> Plan[Clustered]:
        """What to write, in the order of acceptance: as cluster needs its open stories."""
        in_order = sorted(self._known.items(), key=lambda item: item[1].accepted_at)
        existing = self._existing.readable
        rebuilt = tuple((key, state) for key, state in in_order if _is_behind(existing.get(key), state))
        kept = len(existing.keys() - {key for key, _ in rebuilt})
        damaged = tuple(sorted(self._existing.damaged - self._known.keys()))
        return Plan(STATE, rebuilt, damaged, kept)


def _is_behind(existing: Clustered | None, rebuilt: Clustered) -> bool:
    return existing is None or (existing.story_id is not None and existing.version < rebuilt.version)

"""Which story does an article belong to? Copies, edited copies, briefs and extensions of one text are one story.

Nothing is thrown away: an article that resembles none founds a story under its own id, for good. The result depends on
the order of arrival only.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from processors.near_duplicates import Signature, containment, jaccard
from schemas.labels import Story, StoryRelation

COPY: Final = 0.7
EDITED: Final = 0.2
CONTAINED: Final = 0.6
MUCH_SHORTER: Final = 0.6
"""A text with less than this share of the other's shingles is a brief of it, or the other an extension."""


@dataclass(frozen=True, slots=True)
class Member:
    """An article in the window that later ones may resemble."""

    article_id: str
    story_id: str
    accepted_at: datetime
    signature: Signature


class OpenStories:
    """The articles of the window, found by the bands of their signatures."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._members: dict[str, Member] = {}
        self._bands: dict[tuple[int, int, int], set[str]] = defaultdict(set)
        self._latest: datetime | None = None

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: Member) -> None:
        """Let later articles resemble this one; what has left the window is dropped."""
        self.remove(member.article_id)
        self._members[member.article_id] = member
        for band in member.signature.bands():
            self._bands[band].add(member.article_id)
        self._latest = max(self._latest or member.accepted_at, member.accepted_at)
        self._evict()

    def remove(self, article_id: str) -> None:
        """Forget an article."""
        member = self._members.pop(article_id, None)
        if member is None:
            return
        for band in member.signature.bands():
            found = self._bands[band]
            found.discard(article_id)
            if not found:
                del self._bands[band]

    def signature_of(self, article_id: str) -> Signature | None:
        """The signature of an article in the window."""
        member = self._members.get(article_id)
        return member.signature if member else None

    def assign(self, article_id: str, signature: Signature | None, accepted_at: datetime) -> Story:
        """The story of an article that is seen for the first time."""
        if signature is None:
            return Story(id=article_id, relation="first")
        matches = [
            (index, member, relation)
            for member in self._candidates(signature, accepted_at)
            if (relation := _relation(index := jaccard(signature, member.signature), signature, member.signature))
        ]
        if not matches:
            return Story(id=article_id, relation="first")
        _, nearest, relation = min(matches, key=lambda match: (-match[0], match[1].accepted_at, match[1].article_id))
        return Story(id=nearest.story_id, relation=relation)

    def _candidates(self, signature: Signature, accepted_at: datetime) -> list[Member]:
        ids: set[str] = set().union(*(self._bands.get(band, ()) for band in signature.bands()))
        members = (self._members[found] for found in ids)
        return [member for member in members if abs(accepted_at - member.accepted_at) <= self._window]

    def _evict(self) -> None:
        assert self._latest is not None  # noqa: S101  # set by add, the only caller
        horizon = self._latest - self._window
        for article_id, member in list(self._members.items()):
            if member.accepted_at >= horizon:
                break  # members stand in order of arrival
            self.remove(article_id)


def _relation(index: float, later: Signature, earlier: Signature) -> StoryRelation | None:
    if index >= COPY:
        return "copy"
    ratio = min(later.shingles, earlier.shingles) / max(later.shingles, earlier.shingles)
    if ratio < MUCH_SHORTER and containment(later, earlier) >= CONTAINED:
        return "brief" if later.shingles < earlier.shingles else "extension"
    return "edited" if index >= EDITED else None

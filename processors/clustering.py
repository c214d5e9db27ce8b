"""Which story does an article belong to? Copies, edited copies, briefs and extensions of one text are one story.

Nothing is thrown away: an article that resembles none founds a story under its own id, for good. The result depends on
the order of arrival only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import numpy as np

from processors.near_duplicates import Signature, containment_of
from processors.signature_index import SignatureIndex
from schemas.labels import Story, StoryRelation

COPY: Final = 0.7
EDITED: Final = 0.2
CONTAINED: Final = 0.6
MUCH_SHORTER: Final = 0.6
"""A text with less than this share of the other's shingles is a brief of it, or the other an extension."""
_EVICTED_AT_ONCE: Final = 100
"""Each article that comes makes at most so many go, so that none of them waits for thousands."""


@dataclass(frozen=True, slots=True)
class Member:
    """An article in the window that later ones may resemble."""

    article_id: str
    story_id: str
    accepted_at: datetime
    signature: Signature


class OpenStories:
    """The articles of the window, found by what their signatures share."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._index = SignatureIndex()
        self._rows: dict[str, int] = {}
        self._members: list[Member] = []
        self._latest: datetime | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, member: Member) -> None:
        """Let later articles resemble this one; what has left the window is dropped."""
        self.remove(member.article_id)
        if self._index.full:
            self._make_room()
        self._rows[member.article_id] = self._index.add(member.signature.values, member.signature.shingles)
        self._members.append(member)
        self._latest = max(self._latest or member.accepted_at, member.accepted_at)
        self._evict(self._latest - self._window)

    def _make_room(self) -> None:
        self._index, kept = self._index.grown()
        self._members = [self._members[row] for row in kept]
        self._rows = {member.article_id: row for row, member in enumerate(self._members)}

    def remove(self, article_id: str) -> None:
        """Forget an article."""
        row = self._rows.pop(article_id, None)
        if row is not None:
            self._index.remove(row)

    def signature_of(self, article_id: str) -> Signature | None:
        """The signature of an article in the window."""
        row = self._rows.get(article_id)
        return None if row is None else self._members[row].signature

    def assign(self, article_id: str, signature: Signature | None, accepted_at: datetime) -> Story:
        """The story of an article that is seen for the first time."""
        if signature is None:
            return Story(id=article_id, relation="first")
        matches = [
            (index, member, relation)
            for index, member in self._candidates(signature, accepted_at)
            if (relation := _relation(index, signature, member.signature))
        ]
        if not matches:
            return Story(id=article_id, relation="first")
        _, nearest, relation = min(matches, key=lambda match: (-match[0], match[1].accepted_at, match[1].article_id))
        return Story(id=nearest.story_id, relation=relation)

    def _candidates(self, signature: Signature, accepted_at: datetime) -> list[tuple[float, Member]]:
        """Members in the window that may be related, with the Jaccard index of each."""
        rows, indices, shingles = self._index.sharing(signature.values)
        common = indices * (signature.shingles + shingles) / (1 + indices)
        contained = common / np.minimum(signature.shingles, shingles)
        likely = (indices >= EDITED) | (contained >= CONTAINED)
        found = zip(indices[likely].tolist(), (self._members[row] for row in rows[likely]), strict=True)
        return [(index, m) for index, m in found if abs(accepted_at - m.accepted_at) <= self._window]

    def _evict(self, horizon: datetime) -> None:
        for article_id, row in list(islice(self._rows.items(), _EVICTED_AT_ONCE)):
            if self._members[row].accepted_at >= horizon:
                break  # members stand in order of arrival
            self.remove(article_id)


def _relation(index: float, later: Signature, earlier: Signature) -> StoryRelation | None:
    if index >= COPY:
        return "copy"
    ratio = min(later.shingles, earlier.shingles) / max(later.shingles, earlier.shingles)
    if ratio < MUCH_SHORTER and containment_of(index, later, earlier) >= CONTAINED:
        return "brief" if later.shingles < earlier.shingles else "extension"
    return "edited" if index >= EDITED else None

"""Which topic the offsets in a state belong to: the input topic's id, given by Kafka when the topic is made.

If the topic is deleted and made anew, its offsets begin at 0 again, and every record would look like one that was
decided long ago. So the state remembers the ids it has seen; an epoch is an index in that list, and each remembered
offset carries its epoch.
"""

from typing import Final

import structlog

from processors.state_format import StateFormat

IDENTITY_KEY: Final = b"\x00input-topic"
"""Key of the identity record on a state topic; no article_id can be it."""

_FORMAT: Final = StateFormat("the state topic's identity record", list[str])

log = structlog.get_logger()


class InputIdentity:
    """The ids that the input of one partition has had.

    Attributes:
        epoch: of the present one.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self.epoch = 0

    def load(self, value: bytes | None) -> None:
        """Take over the identity record."""
        self._ids = [] if value is None else _FORMAT.decode(value)
        self.epoch = max(0, len(self._ids) - 1)

    def identify(self, topic_id: str, *, remembers_articles: bool) -> bytes | None:
        """Note the present id; returns the new identity record, None if nothing has changed."""
        if self._ids and self._ids[-1] == topic_id:
            return None
        if remembers_articles and self._ids:
            log.error(
                "input topic was made anew: readings are compared by content only, former texts are not held",
                topic_id=topic_id,
                before=self._ids[-1],
            )
        self._ids = [*self._ids, topic_id]
        self.epoch = len(self._ids) - 1
        return _FORMAT.encode(self._ids)

"""robots.txt -> may this page be read? Asked of a host at most once a day, remembered while the process lives.

RFC 9309: 4xx means there are no rules (§2.3.1.3); 5xx and no answer mean that nothing may be read until the file can be
(§2.3.1.4), which we ask again after an hour. At least 500 KiB are read (§2.5).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from protego import Protego

from producers.errors import AddressRefused, FetchFailed

PRODUCT: Final = "Kiosque"
MAX_BYTES: Final = 512 * 1024

Verdict = Literal["allowed", "disallowed", "unknown"]

_KEEP_FOR: Final = timedelta(hours=24)
_ASK_AGAIN_AFTER: Final = timedelta(hours=1)
_OK: Final = range(200, 300)
_ABSENT: Final = range(400, 500)


class RobotsAnswer(Struct, frozen=True):
    """What a host's robots.txt gave: a status and the body of a 2xx."""

    status: int
    body: bytes = b""


class _Rules(Struct, frozen=True):
    parser: Protego | None
    verdict_without_parser: Verdict
    read_at: datetime
    kept_for: timedelta = _KEEP_FOR

    def hold(self, now: datetime) -> bool:
        """Whether they count now; not those from the future, for then the clock was set back."""
        return self.read_at <= now < self.read_at + self.kept_for


class Robots:
    """The robots rules of all hosts.

    Args:
        ask: fetches a robots.txt; raises FetchFailed. It keeps the domain's gate itself.
    """

    def __init__(self, ask: Callable[[str], Awaitable[RobotsAnswer]]) -> None:
        self._ask = ask
        self._rules: dict[str, _Rules] = {}

    async def verdict(self, url: str, now: datetime) -> Verdict:
        """Whether our product may read the page; "unknown" while robots.txt cannot be read: then later.

        Raises:
            AddressRefused: the host must not be reached at all.
        """
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.netloc}"
        rules = self._rules.get(host)
        if rules is None or not rules.hold(now):
            rules = await self._read(urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", "")), now)
            self._rules[host] = rules
        if rules.parser is None:
            return rules.verdict_without_parser
        return "allowed" if rules.parser.can_fetch(url, PRODUCT) else "disallowed"

    async def _read(self, address: str, now: datetime) -> _Rules:
        try:
            answer = await self._ask(address)
        except AddressRefused:
            raise
        except FetchFailed as failure:
            too_large = failure.slug == "too_large"  # no sensible robots.txt; what cannot be read cannot forbid
            if too_large:
                return _Rules(None, "allowed", now)
            return _Rules(None, "unknown", now, _ASK_AGAIN_AFTER)
        if answer.status in _OK:
            return _Rules(Protego.parse(answer.body.decode("utf-8", "replace")), "allowed", now)
        if answer.status in _ABSENT:
            return _Rules(None, "allowed", now)
        return _Rules(None, "unknown", now, _ASK_AGAIN_AFTER)

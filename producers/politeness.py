"""How often a domain may be asked: one request at a time, a pause between two, a longer one when the server asks.

All requests (feeds, robots.txt, pages) of a registrable domain pass its gate. Waiting at the gate of a slow host holds
nothing that others need. Which requests are worth making is decided elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from producers.canonical import registrable_domain


class _Gate:
    """One domain's turn-taking; times are of the event loop's monotonic clock."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0


class HostGates:
    """The gates of all domains.

    Args:
        delay_seconds: from the end of one request to the start of the next on the same domain.
        monotonic: seconds; the running loop's clock unless a test gives another.
    """

    def __init__(self, delay_seconds: float, monotonic: Callable[[], float] | None = None) -> None:
        self._delay_seconds = delay_seconds
        self._monotonic = monotonic
        self._gates: dict[str, _Gate] = {}

    def _now(self) -> float:
        return self._monotonic() if self._monotonic else asyncio.get_running_loop().time()

    def _gate(self, url: str) -> _Gate:
        return self._gates.setdefault(registrable_domain(url), _Gate())

    @asynccontextmanager
    async def turn(self, url: str) -> AsyncIterator[None]:
        """Wait until the URL's domain may be asked, and keep others out meanwhile."""
        gate = self._gate(url)
        async with gate.lock:
            while (wait := gate.free_at - self._now()) > 0:  # noqa: ASYNC110 time passes, no event tells
                await asyncio.sleep(wait)
            try:
                yield
            finally:
                gate.free_at = max(gate.free_at, self._now() + self._delay_seconds)

    def pause(self, url: str, seconds: float) -> None:
        """No request to the URL's domain for a time: the server answered 429 or 503 (RFC 6585 §4)."""
        gate = self._gate(url)
        gate.free_at = max(gate.free_at, self._now() + seconds)

    def paused_seconds(self, url: str) -> float:
        """How long the URL's domain is still to be left alone; 0 if it may be asked."""
        return max(0.0, self._gate(url).free_at - self._now())

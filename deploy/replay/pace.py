"""So many a second on average: a token bucket. Pure; the caller brings the clock and does the waiting."""


class TokenBucket:
    """Full at first, so that the first portion goes at once.

    Args:
        per_second: how fast it fills, > 0.
        size: what it holds at most, and the most that may be taken at once.
        now: monotonic seconds.
    """

    def __init__(self, per_second: float, size: int, now: float) -> None:
        self._per_second = per_second
        self._size = size
        self._level = float(size)
        self._filled_at = now

    def seconds_until_full(self, now: float) -> float:
        """How long to wait before the next portion, 0 if it may go now."""
        self._fill(now)
        return (self._size - self._level) / self._per_second

    def take(self, count: int, now: float) -> None:
        """What goes now; never more than there is."""
        self._fill(now)
        self._level = max(0.0, self._level - count)

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled_at)
        self._level = min(float(self._size), self._level + elapsed * self._per_second)
        self._filled_at = now

"""Ends a service that is alive but stuck, so that its supervisor starts it again.

Every service counts heartbeats: turns of its loop that finished work or found none, also while it waits for an absent
server. A thread watches the count, so that a blocked event loop is noticed as well. Nothing is lost: whatever was under
way is not acknowledged (docs/delivery.md).
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

EXIT_STUCK: Final = 75
"""sysexits.h EX_TEMPFAIL: start again."""

log = structlog.get_logger()


class Heartbeats(Protocol):
    """What can be watched."""

    def heartbeats(self) -> float:
        """A count that grows while the process gets on."""


class StandstillTimer:
    """For how long a count has not grown.

    Args:
        now: seconds on a monotonic clock.
    """

    def __init__(self, now: float) -> None:
        self._count = 0.0
        self._since = now

    def seconds(self, count: float, now: float) -> float:
        """Note the count; returns for how long it has been the same."""
        if count != self._count:
            self._count, self._since = count, now
        return now - self._since


def watch(
    metrics: Heartbeats,
    limit_seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    end: Callable[[int], object] = os._exit,
) -> threading.Thread:
    """Watch this process from a daemon thread; returns the thread.

    A process that was stopped as a whole (SIGSTOP, a suspended laptop) has lost time, not its way: a pause between two
    looks that is far longer than the thread slept does not count.

    Args:
        metrics: where the heartbeats are counted.
        limit_seconds: a standstill of this length ends the process with EXIT_STUCK.
        clock: monotonic seconds.
        end: replaces the end of the process in tests.
    """
    pause = min(1.0, limit_seconds / 4)

    def look_again_and_again() -> None:
        timer, last = StandstillTimer(clock()), clock()
        while True:
            time.sleep(pause)
            now = clock()
            if now - last > 2 * pause + 1:
                timer = StandstillTimer(now)
            last = now
            still = timer.seconds(metrics.heartbeats(), now)
            if still >= limit_seconds:
                log.critical("stuck, ending", seconds=round(still, 1), exit_code=EXIT_STUCK)
                end(EXIT_STUCK)
                return

    thread = threading.Thread(target=look_again_and_again, name="watchdog", daemon=True)
    thread.start()
    return thread

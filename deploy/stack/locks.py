"""Locks between processes: one fetches into the cache at a time, one runs on a data directory at a time.

The operating system drops a lock when its holder dies, however it dies, so there are no stale locks to clean up.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

WAIT_SECONDS = 0.2


@contextmanager
def waited_for_lock(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold a lock, waiting for it as long as another process has it.

    Args:
        file: the lock file; made if missing and left behind.
        on_wait: called once if there is something to wait for.
    """
    with open_lock_file(file) as handle:
        if not taken(handle):
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def open_lock_file(file: Path) -> IO[str]:
    """Open a lock file without changing what it says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+", encoding="utf-8")


def taken(handle: IO[str]) -> bool:
    """Try to take the lock of an open file; False if another process holds it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def server_lets_go(file: Path, timeout_seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Wait until no server holds its lock file: a killed one may need some seconds to be gone.

    Args:
        file: a lock file that a Java server locks (POSIX record lock); absent counts as free.
        timeout_seconds: how long to wait.
        clock: monotonic seconds.

    Returns:
        Whether it is free. Another may take it at any time; this only spares a start that is bound to fail.
    """
    deadline = clock() + timeout_seconds
    while file.exists():
        with file.open("r+b") as handle:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                pass
            else:
                return True
        if clock() >= deadline:
            return False
        time.sleep(WAIT_SECONDS)
    return True

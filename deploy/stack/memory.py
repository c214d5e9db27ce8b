"""How much memory the local system holds: what a newcomer wants to know before, and can see after."""

import os
from collections.abc import Collection
from pathlib import Path

_SESSION_FIELD = 3
_RSS_FIELD = 21
"""Positions in /proc/PID/stat after the command's closing bracket (proc(5), fields 6 and 24)."""


def resident_bytes(sessions: Collection[int], proc: Path = Path("/proc")) -> int | None:
    """Resident memory of all processes of these sessions; None where the system has no /proc.

    A supervisor's children lead a session each, so this counts their own children too. Pages that processes share are
    counted in each.
    """
    if not (proc / "self").exists():
        return None
    pages = 0
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[_SESSION_FIELD]) in sessions:
            pages += int(fields[_RSS_FIELD])
    return pages * os.sysconf("SC_PAGE_SIZE")

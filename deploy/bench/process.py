"""One process that works through a prepared topic: how fast, with how much CPU and memory."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.errors import StackError

_LOOK_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Work:
    """What a process did.

    Attributes:
        messages_per_second: between its first and its last commit; starting up is left out.
        cpu_seconds: of the process, starting up included.
        peak_bytes: most memory it held; None where the system cannot tell.
    """

    messages_per_second: float
    cpu_seconds: float
    peak_bytes: int | None


def rate(samples: Sequence[tuple[float, int]]) -> float:
    """Messages a second from samples of (seconds, committed): from the first commit seen to the last that moved."""
    moved = [(at, count) for at, count in samples if count]
    last = max(count for _, count in moved)
    first_at, first = moved[0]
    last_at = next(at for at, count in moved if count == last)
    if last_at <= first_at:
        raise StackError("the process was done before it could be watched", "give it more messages")
    return (last - first) / (last_at - first_at)


def watch(command: Sequence[str], environment: Mapping[str, str], kafka: str, group: str, messages: int) -> Work:
    """Run a process until its group has committed that many messages, then end it.

    Raises:
        StackError: it ended by itself, or was not done within minutes.
    """
    with subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            samples = _samples(process, kafka, group, messages)
            cpu, peak = _cost(process.pid)
        finally:
            process.terminate()
    return Work(rate(samples), cpu, peak)


def _samples(process: "subprocess.Popen[bytes]", kafka: str, group: str, messages: int) -> list[tuple[float, int]]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.split(","))
    samples: list[tuple[float, int]] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while not samples or samples[-1][1] < messages:
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError("the measured process did not finish", "run it by hand and read its log")
            samples.append((time.monotonic(), _committed(admin, group)))
            time.sleep(_LOOK_SECONDS)
    finally:
        admin.close()
    return samples


def _committed(admin: Any, group: str) -> int:
    try:
        found = admin.list_group_offsets(group)
    except KafkaError:
        return 0
    return sum(max(0, value.offset) for value in found.get(group, found).values())


def _cost(pid: int) -> tuple[float, int | None]:
    """CPU seconds so far and peak memory of a process (proc(5))."""
    stat, status = Path(f"/proc/{pid}/stat"), Path(f"/proc/{pid}/status")
    if not stat.exists():
        return 0.0, None
    fields = stat.read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return ticks / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) * 1024

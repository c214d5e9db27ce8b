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
class Sample:
    """A look at the process.

    Attributes:
        at: monotonic seconds.
        committed: messages that its group has committed.
        cpu_seconds: it has used so far, all its threads together.
    """

    at: float
    committed: int
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Work:
    """What a process did between its first and its last commit; starting up is left out.

    Attributes:
        messages_per_second: on the clock on the wall; other programs on the machine make it less.
        cpu_milliseconds: for each message; hardly depends on them.
        peak_bytes: most memory it held; None where the system cannot tell.
    """

    messages_per_second: float
    cpu_milliseconds: float
    peak_bytes: int | None = None


def work(samples: Sequence[Sample], peak_bytes: int | None = None) -> Work:
    """What happened between the first sample with a commit and the first with the last one. Pure.

    Raises:
        StackError: it is over too soon to tell.
    """
    moved = [sample for sample in samples if sample.committed]
    first = moved[0]
    last = next(sample for sample in moved if sample.committed == moved[-1].committed)
    done, seconds = last.committed - first.committed, last.at - first.at
    if done <= 0 or seconds <= 0:
        raise StackError("the process was done before it could be watched", "give it more messages")
    return Work(done / seconds, 1000 * (last.cpu_seconds - first.cpu_seconds) / done, peak_bytes)


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
            peak = _peak_bytes(process.pid)
        finally:
            process.terminate()
    return work(samples, peak)


def _samples(process: "subprocess.Popen[bytes]", kafka: str, group: str, messages: int) -> list[Sample]:
    admin = KafkaAdminClient(bootstrap_servers=kafka.split(","))
    samples: list[Sample] = []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while not samples or samples[-1].committed < messages:
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError("the measured process did not finish", "run it by hand and read its log")
            committed = _committed(admin, group)
            samples.append(Sample(time.monotonic(), committed, _cpu_seconds(process.pid)))
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


def _cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far (proc(5)); 0 where the system cannot tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_bytes(pid: int) -> int | None:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024

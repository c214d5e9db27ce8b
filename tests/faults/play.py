"""A play on the real servers: services that are killed, frozen and woken at named places, and restarted as by `up`."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tests.faults.evidence import undone
from tests.services import Installation, end, logs, wait_until

QUICK: Final = {"KIOSQUE_SESSION_TIMEOUT_SECONDS": "3"}
"""A killed worker's partitions must not wait for ten seconds."""

_START_SECONDS: Final = 90.0
EXIT_IO: Final = 70


def is_frozen(pid: int) -> bool:
    """Whether the process has been stopped by SIGSTOP."""
    status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return status.rpartition(")")[2].split()[0] == "T"


class Play:
    """The services of one installation.

    Args:
        installation: topics and, if needed, indices of its own.
        without: a protection that is taken away from the services that are started without saying otherwise.
    """

    def __init__(self, installation: Installation, without: str = "") -> None:
        self.installation = installation
        self.without = without
        self.settings: dict[str, str] = dict(QUICK)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(
        self,
        stage: str,
        failpoint: str = "",
        *,
        protected: bool = False,
        log: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a service.

        Args:
            stage: its command.
            failpoint: without the stage's name: `after_send:2`.
            protected: leave it all its protections.
            log: another name for its log.
            settings: more of them.
        """
        without = "" if protected else self.without
        armed = f"{stage}.{failpoint}" if failpoint else ""
        process = self.installation.start(
            stage, log=log, failpoint=armed, without=without, settings=self.settings | dict(settings or {})
        )
        self._running.append(process)
        return process

    def killed(self, stage: str, failpoint: str, *, protected: bool = False) -> None:
        """Start a service and wait until it has died at the failpoint.

        Raises:
            AssertionError: it does not get there.
        """
        process = self.start(stage, failpoint, protected=protected)
        code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(_START_SECONDS)
        assert code == -signal.SIGKILL, f"{stage} does not die at {failpoint}: {code}\n{self._log(stage)}"

    def frozen(self, stage: str, failpoint: str, *, log: str | None = None) -> subprocess.Popen[bytes]:
        """Start a service and wait until it stands still at the failpoint."""
        process = self.start(stage, f"{failpoint}:freeze", log=log)
        wait_until(
            lambda: process.poll() is not None or is_frozen(process.pid), f"{stage} at {failpoint}", _START_SECONDS
        )
        assert process.poll() is None, f"{stage} ended before {failpoint}\n{self._log(log or stage)}"
        return process

    def wake(self, process: subprocess.Popen[bytes], seconds: float = 15.0) -> int | None:
        """Let a frozen service go on; its exit code if it ends within the time (it was fenced), else None."""
        os.kill(process.pid, signal.SIGCONT)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def finish(self, *stages: str, protected: bool = False, seconds: float = 30.0) -> None:
        """Run the stages, starting them again when they end, until all is committed or the time is over."""
        running = {stage: self.start(stage, protected=protected) for stage in stages}
        deadline = time.monotonic() + seconds
        while any(undone(self.installation, stage) for stage in stages) and time.monotonic() < deadline:
            for stage, process in running.items():
                if process.poll() is not None:
                    running[stage] = self.start(stage, protected=protected)
            time.sleep(0.3)
        for process in running.values():
            end(process)

    def close(self) -> None:
        """End whatever still runs or stands still."""
        for process in self._running:
            if process.poll() is None:
                end(process, signal.SIGKILL)

    def _log(self, name: str) -> str:
        return logs(self.installation, [name])


@contextmanager
def play(installation: Installation, without: str = "") -> Iterator[Play]:
    """A play whose services all end with it."""
    begun = Play(installation, without)
    try:
        yield begun
    finally:
        begun.close()

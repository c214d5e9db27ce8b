"""Keep child processes running: start, log to a file, restart what crashed, stop in order.

    start(Child) ─► spawner thread: rotate log ─► tether ─► command
                    └─ polls every child; one that ended is started again after a back-off

It decides when to start again (pure functions below) and leaves to others what a child is, when it counts as ready, and
what to do about one that never gets there. One thread starts all children and lives as long as the process, because the
kernel ties a child to the thread that started it (see tether).
"""

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Literal

from deploy.stack import tether

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 60.0
POLL_SECONDS = 0.1
LOG_MAX_BYTES = 10_000_000
LOGS_KEPT = 3


@dataclass(frozen=True)
class Child:
    """A process to keep running.

    Attributes:
        name: unique among the children of one supervisor; shown in messages.
        argv: the command and its arguments.
        log_file: takes standard output and standard error, appended; rotated by size at each start.
        env: the whole environment; None for ours.
        cwd: working directory; None for ours.
        uid: user and group to run as (only root can ask for it); None for ours.
        stop_seconds: how long a SIGTERM may take before the process group gets a SIGKILL.
        restart: whether to start it again when it ends by itself.
    """

    name: str
    argv: list[str]
    log_file: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    uid: int | None = None
    stop_seconds: float = 30.0
    restart: bool = True


@dataclass(frozen=True)
class ChildState:
    """What one child is doing.

    Attributes:
        status: restarting = ended, waiting for its back-off; ended = ended by itself and is not started again.
        pid: of the running process (a process group of its own); None when there is none.
        restarts: how often it was started again.
        exit_code: of the last process that ended (negative: the signal's number); None while none has.
    """

    status: Literal["running", "restarting", "stopping", "ended"]
    pid: int | None
    restarts: int
    exit_code: int | None


def backoff_seconds(failures: int) -> float:
    """How long to wait before the next start, after so many failures in a row (>= 1)."""
    return float(min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 30)))


def failures_in_a_row(before: int, ran_seconds: float) -> int:
    """The new count of failures in a row, when a process ends that ran for `ran_seconds`."""
    return 1 if ran_seconds >= HEALTHY_AFTER_SECONDS else before + 1


def exit_description(exit_code: int) -> str:
    """An exit code in words: "exited with 1", "was killed by SIGKILL (137)"."""
    if exit_code >= 0:
        return f"exited with {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"was killed by {name} ({128 - exit_code})"


def rotate_log(log_file: Path, max_bytes: int = LOG_MAX_BYTES, kept: int = LOGS_KEPT) -> None:
    """Move a log that has grown past `max_bytes` to `NAME.1`, that one to `NAME.2`, and so on up to `kept`."""
    if not log_file.exists() or log_file.stat().st_size <= max_bytes:
        return
    generations = [log_file] + [log_file.with_name(f"{log_file.name}.{number}") for number in range(1, kept + 1)]
    for newer, older in reversed(list(pairwise(generations))):
        if newer.exists():
            newer.replace(older)


def tether_argv(child: Child, parent_pid: int, python: str = sys.executable) -> list[str]:
    """The command line that runs a child tied to its parent."""
    uid = [] if child.uid is None else ["--uid", str(child.uid)]
    return [python, "-I", tether.__file__, *uid, str(parent_pid), "--", *child.argv]


@dataclass
class _Watched:
    """One child and its process; touched under the supervisor's lock only."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float | None = None
    failures: int = 0
    restarts: int = 0
    exit_code: int | None = None
    stopping: bool = False

    def state(self) -> ChildState:
        """A snapshot for others."""
        status: Literal["running", "restarting", "stopping", "ended"] = "ended"
        if self.stopping:
            status = "stopping"
        elif self.process is not None:
            status = "running"
        elif self.start_at is not None:
            status = "restarting"
        return ChildState(status, self.process.pid if self.process else None, self.restarts, self.exit_code)


@dataclass
class Supervisor:
    """Starts children and keeps them running until they are stopped. Thread-safe.

    If our own process dies, however it dies, so do all children.

    Args:
        on_event: gets one line for each thing worth saying ("kafka was killed by SIGKILL (137), starting it again in
            0.5 s"); called from the supervisor's thread, so it must be quick and must not raise.
        clock: monotonic seconds.
    """

    on_event: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _watched: dict[str, _Watched] = field(default_factory=dict, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _orders: "queue.Queue[tuple[_Watched, Future[None]]]" = field(default_factory=queue.Queue, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self, child: Child) -> None:
        """Start a child and watch it from now on.

        Raises:
            ValueError: a child of that name is being watched.
            OSError: it could not be started (its log file or working directory is missing, no memory …).
        """
        watched = _Watched(child)
        with self._changed:
            if child.name in self._watched:
                raise ValueError(f"a child named {child.name} is running already")
            self._watched[child.name] = watched
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
                self._thread.start()
        answer: Future[None] = Future()
        self._orders.put((watched, answer))
        try:
            answer.result()
        except OSError:
            self._forget(child.name)
            raise

    def stop(self, name: str) -> None:
        """Stop one child: SIGTERM, and SIGKILL for its whole process group after its `stop_seconds`. Idempotent."""
        with self._changed:
            watched = self._watched.get(name)
            if watched is None:
                return
            watched.stopping = True
            watched.start_at = None
            process = watched.process
            if process is not None:
                process.terminate()
                if not self._changed.wait_for(lambda: watched.process is None, watched.child.stop_seconds):
                    self._tell(f"{name} did not stop within {watched.child.stop_seconds:g} s, killing it")
                    _kill_group(process.pid)
                    self._changed.wait_for(lambda: watched.process is None)
        self._forget(name)

    def stop_all(self) -> None:
        """Stop all children, the last started first, each before the next: who depends on others was started later."""
        while True:
            with self._changed:
                names = list(self._watched)
            if not names:
                return
            self.stop(names[-1])

    def states(self) -> dict[str, ChildState]:
        """What each child is doing, in the order in which they were started."""
        with self._changed:
            return {name: watched.state() for name, watched in self._watched.items()}

    def _tell(self, message: str) -> None:
        try:
            self.on_event(message)
        except Exception:  # a message that cannot be shown (closed pipe) must not take the servers down
            logging.getLogger(__name__).warning("event not shown: %s", message, exc_info=True)

    def _forget(self, name: str) -> None:
        with self._changed:
            self._watched.pop(name, None)

    def _run(self) -> None:
        while True:
            try:  # with nobody to watch it sleeps until the next order
                watched, answer = self._orders.get(timeout=POLL_SECONDS if self.states() else None)
            except queue.Empty:
                self._poll()
                continue
            try:
                with self._changed:
                    self._spawn(watched)
            except OSError as problem:
                answer.set_exception(problem)
            else:
                answer.set_result(None)

    def _poll(self) -> None:
        with self._changed:
            for watched in self._watched.values():
                if watched.process is not None and watched.process.poll() is not None:
                    self._note_end(watched, watched.process)
                elif watched.start_at is not None and watched.start_at <= self.clock():
                    self._spawn_again(watched)

    def _note_end(self, watched: _Watched, process: subprocess.Popen[bytes]) -> None:
        _kill_group(process.pid)  # what it left behind would hold its ports and locks
        watched.process, watched.exit_code = None, process.returncode
        if not watched.stopping:
            what = f"{watched.child.name} {exit_description(process.returncode)}"
            if watched.child.restart:
                self._back_off(watched, what)
            else:
                self._tell(what)
        self._changed.notify_all()

    def _back_off(self, watched: _Watched, what: str) -> None:
        watched.failures = failures_in_a_row(watched.failures, self.clock() - watched.started_at)
        wait_seconds = backoff_seconds(watched.failures)
        watched.start_at = self.clock() + wait_seconds
        self._tell(f"{what}, starting it again in {wait_seconds:g} s (log: {watched.child.log_file})")

    def _spawn_again(self, watched: _Watched) -> None:
        watched.restarts += 1
        try:
            self._spawn(watched)
        except OSError as problem:
            self._back_off(watched, f"{watched.child.name} could not be started ({problem})")

    def _spawn(self, watched: _Watched) -> None:
        child = watched.child
        rotate_log(child.log_file)
        with _append(child.log_file) as log:
            watched.process = subprocess.Popen(
                tether_argv(child, os.getpid()),
                env=child.env,
                cwd=child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        watched.started_at, watched.start_at = self.clock(), None


def _append(log_file: Path) -> IO[bytes]:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    return log_file.open("ab")


def _kill_group(leader_pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or (macOS) only zombies are left
        os.killpg(leader_pid, signal.SIGKILL)

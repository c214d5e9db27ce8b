"""Run a command that cannot outlive the process that started it.

    python -I tether.py [--watch] [--uid N] PARENT_PID -- COMMAND...

On Linux the kernel is asked to kill this process when its parent dies (`PR_SET_PDEATHSIG`), then the command takes its
place: same pid, nothing left in between. A change of user clears that request, so it is made after it. Note for whoever
starts this: the kernel watches the *thread* that started us, so that thread must live as long as its process.

Elsewhere (or with --watch) this process stays, passes signals on, and kills the command when the parent is gone: that
covers the death of the parent by any signal, though not a kill -9 of this very process.

Standard library only, one file, no import of the project: it must start in some 20 ms, in any environment.
"""

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
EXIT_PARENT_GONE = 75
WATCH_SECONDS = 0.2


def main(arguments: list[str]) -> int:
    """Tie the command to the parent and run it; returns only in watching mode, with the command's exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--uid", type=int)
    parser.add_argument("parent_pid", type=int)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    if options.uid is not None:
        os.setgroups([])
        os.setgid(options.uid)
        os.setuid(options.uid)
    try:
        if options.watch or not dies_with_parent():
            return watch(options.parent_pid, options.command)
        if os.getppid() == options.parent_pid:
            os.execvp(options.command[0], options.command)  # noqa: S606 - the point: the command takes our place
    except OSError as problem:
        sys.exit(f"{options.command[0]}: {problem.strerror}")
    return EXIT_PARENT_GONE  # it died before the request was made


def dies_with_parent() -> bool:
    """Ask the kernel to kill this process when its parent dies; False where it cannot."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0)


def watch(parent_pid: int, command: list[str]) -> int:
    """Run the command beside us; kill it as soon as the parent is another."""
    started: list[subprocess.Popen[bytes]] = []
    came_early: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        if started:
            started[0].send_signal(number)
        else:
            came_early.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    child = subprocess.Popen(command)
    started.append(child)
    for early in came_early:
        child.send_signal(early)
    while child.poll() is None:
        if os.getppid() != parent_pid:
            child.kill()
            child.wait()
            with contextlib.suppress(ProcessLookupError):  # the command's own children, where we lead a group
                if os.getpgid(0) == os.getpid():
                    os.killpg(0, signal.SIGKILL)
            return EXIT_PARENT_GONE
        time.sleep(WATCH_SECONDS)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

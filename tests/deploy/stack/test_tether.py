"""The tether on real processes: they are small, and nothing else can show what the kernel does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.stack import tether

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", {tether!r}, *{options!r}, str(os.getpid()), "--", *{command!r}],
                         start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""
SLEEP = ["sleep", "50.123"]


def run_tether(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", tether.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_alive(pid)


@pytest.mark.parametrize("options", [[], ["--watch"]], ids=["kernel", "watching"])
def test_command_dies_with_its_killed_parent(options: list[str]) -> None:
    script = PARENT.format(tether=tether.__file__, options=options, command=SLEEP)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        assert wait_until_gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user")
def test_command_of_another_user_dies_with_its_parent_too() -> None:
    script = PARENT.format(tether=tether.__file__, options=["--uid", "65534"], command=SLEEP)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").stat().st_uid != 65534 and time.monotonic() < deadline:
            time.sleep(0.05)
        parent.kill()
        assert wait_until_gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user")
def test_command_runs_as_the_other_user_without_groups() -> None:
    done = run_tether("--uid", "65534", str(os.getpid()), "--", "id")
    assert (done.returncode, done.stdout.split()[0][:9]) == (0, "uid=65534")
    assert "root" not in done.stdout


@pytest.mark.parametrize("options", [[], ["--watch"]], ids=["kernel", "watching"])
def test_exit_code_and_arguments_pass_through(options: list[str]) -> None:
    done = run_tether(*options, str(os.getpid()), "--", "sh", "-c", 'echo "$1"; exit 7', "-", "--uid 1")
    assert (done.returncode, done.stdout) == (7, "--uid 1\n")


def test_watching_passes_a_signal_on() -> None:
    command = [sys.executable, "-I", tether.__file__, "--watch", str(os.getpid()), "--", "sh", "-c", "echo on; sleep 9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.terminate()
        assert watching.wait(10) == 128 + signal.SIGTERM


def test_command_is_not_run_if_the_parent_is_gone_already() -> None:
    done = run_tether("999999999", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (tether.EXIT_PARENT_GONE, "")


def test_unknown_command_is_one_line() -> None:
    done = run_tether(str(os.getpid()), "--", "/no/such/program")
    assert (done.returncode, done.stderr) == (1, "/no/such/program: No such file or directory\n")

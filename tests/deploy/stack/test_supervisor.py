"""The supervisor on real processes (small shell commands), with a clock that runs fast."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.stack.supervisor import (
    Child,
    ChildState,
    Supervisor,
    backoff_seconds,
    exit_description,
    failures_in_a_row,
    rotate_log,
    tether_argv,
)


class Running:
    """A supervisor, what it said, and children made from shell commands."""

    def __init__(self, folder: Path) -> None:
        self.events: list[str] = []
        self.folder = folder
        self.supervisor = Supervisor(self.events.append, clock=lambda: time.monotonic() * 10)

    def child(self, name: str, script: str, **options: object) -> Child:
        return Child(name, ["sh", "-c", script], self.folder / f"{name}.out", **options)  # type: ignore[arg-type]

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.out").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    yield one
    one.supervisor.stop_all()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def group_is_gone(leader: int) -> bool:
    """Whether nobody of that process group is alive; init may be slow to bury the dead."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    states = [state for group, state in map(str.split, listed.splitlines()) if group == str(leader)]
    return all(state.startswith("Z") for state in states)


def test_back_off_doubles_up_to_ten_seconds() -> None:
    assert [backoff_seconds(failures) for failures in (1, 2, 3, 4, 5, 6, 1000)] == [0.5, 1, 2, 4, 8, 10, 10]


@given(failures=st.integers(1, 10**6))
def test_back_off_never_shrinks_and_has_a_limit(failures: int) -> None:
    assert 0.5 <= backoff_seconds(failures) <= backoff_seconds(failures + 1) <= 10


@pytest.mark.parametrize(("ran_seconds", "failures"), [(0, 5), (59.9, 5), (60, 1)])
def test_a_minute_of_health_is_a_new_beginning(ran_seconds: float, failures: int) -> None:
    assert failures_in_a_row(4, ran_seconds) == failures


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (0, "exited with 0"),
        (70, "exited with 70"),
        (-9, "was killed by SIGKILL (137)"),
        (-99, "was killed by signal 99 (227)"),
    ],
)
def test_exit_codes_in_words(exit_code: int, words: str) -> None:
    assert exit_description(exit_code) == words


def test_log_is_rotated_when_it_is_large(tmp_path: Path) -> None:
    log = tmp_path / "a.out"
    for content in ("first", "second", "third", "fourth"):
        log.write_text(content)
        rotate_log(log, max_bytes=1, kept=2)
    log.write_text("5")
    rotate_log(log, max_bytes=1, kept=2)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "a.out": "5",
        "a.out.1": "fourth",
        "a.out.2": "third",
    }


def test_command_line_ties_the_child_to_its_parent() -> None:
    child = Child("a", ["java", "-v"], Path("a.out"), uid=65534)
    argv = tether_argv(child, 123, "python")
    assert argv[:2] + argv[3:] == ["python", "-I", "--uid", "65534", "123", "--", "java", "-v"]


def test_a_crashed_child_is_started_again(running: Running) -> None:
    running.supervisor.start(running.child("a", "echo hello; exec sleep 60"))
    first = running.supervisor.states()["a"]
    assert first == ChildState("running", first.pid, 0, None)
    wait_for(lambda: "hello" in running.output("a"))
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: running.supervisor.states()["a"].restarts == 1)
    second = running.supervisor.states()["a"]
    assert second == ChildState("running", second.pid, 1, -9)
    assert second.pid != first.pid
    log = running.folder / "a.out"
    assert running.events == [f"a was killed by SIGKILL (137), starting it again in 0.5 s (log: {log})"]
    wait_for(lambda: running.output("a") == "hello\nhello\n")


def test_back_off_grows_while_a_child_keeps_crashing(running: Running) -> None:
    running.supervisor.start(running.child("a", "exit 3"))
    wait_for(lambda: len(running.events) >= 3)
    running.supervisor.stop("a")
    waits = [event.partition("again in ")[2].partition(" (")[0] for event in running.events[:3]]
    assert waits == ["0.5 s", "1 s", "2 s"]
    assert running.supervisor.states() == {}


def test_what_a_crashed_child_left_behind_is_killed(running: Running) -> None:
    running.supervisor.start(running.child("a", "sleep 60 & echo $!; exec sleep 60", restart=False))
    wait_for(lambda: running.output("a"))
    pid = running.supervisor.states()["a"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: group_is_gone(pid))


def test_a_child_that_shall_not_be_restarted_stays_ended(running: Running) -> None:
    running.supervisor.start(running.child("a", "exit 4", restart=False))
    wait_for(lambda: running.supervisor.states()["a"].status == "ended")
    assert running.supervisor.states()["a"] == ChildState("ended", None, 0, 4)
    assert running.events == ["a exited with 4"]


def test_stop_asks_first(running: Running) -> None:
    running.supervisor.start(running.child("a", "trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.05; done"))
    wait_for(lambda: running.output("a"))
    running.supervisor.stop("a")
    assert running.output("a") == "on\nbye\n"
    assert running.events == []


def test_stop_kills_the_whole_group_of_who_does_not_listen(running: Running) -> None:
    script = "trap '' TERM; echo on; while :; do sleep 0.05; done"
    running.supervisor.start(running.child("a", script, stop_seconds=0.2))
    wait_for(lambda: running.output("a"))
    pid = running.supervisor.states()["a"].pid
    assert pid is not None
    running.supervisor.stop("a")
    wait_for(lambda: group_is_gone(pid))
    assert running.events == ["a did not stop within 0.2 s, killing it"]


def test_all_are_stopped_in_reverse_order(running: Running) -> None:
    order = running.folder / "order"
    for name in ("server", "service", "board"):
        script = f"trap 'echo {name} >> {order}; exit 0' TERM; echo on; while :; do sleep 0.05; done"
        running.supervisor.start(running.child(name, script))
        wait_for(lambda name=name: running.output(name))
    running.supervisor.stop_all()
    assert order.read_text().split() == ["board", "service", "server"]
    assert running.supervisor.states() == {}


def test_a_name_is_unique(running: Running) -> None:
    running.supervisor.start(running.child("a", "exec sleep 60"))
    with pytest.raises(ValueError, match="a child named a is running already"):
        running.supervisor.start(running.child("a", "exec sleep 60"))


def test_a_child_that_cannot_be_started_is_not_watched(running: Running) -> None:
    with pytest.raises(FileNotFoundError):
        running.supervisor.start(running.child("a", "true", cwd=running.folder / "missing"))
    assert running.supervisor.states() == {}


def test_environment_and_folder_of_a_child(running: Running) -> None:
    options = {"env": {"PATH": os.environ["PATH"], "GREETING": "salut"}, "cwd": running.folder, "restart": False}
    running.supervisor.start(running.child("a", 'echo "$GREETING $PWD $HOME"', **options))
    wait_for(lambda: running.supervisor.states()["a"].status == "ended")
    assert running.output("a") == f"salut {running.folder} \n"


def test_a_message_that_cannot_be_shown_takes_nobody_down(tmp_path: Path) -> None:
    def closed_pipe(_event: str) -> None:
        raise BrokenPipeError

    supervisor = Supervisor(closed_pipe, clock=lambda: time.monotonic() * 10)
    supervisor.start(Child("b", ["sleep", "60"], tmp_path / "b.out"))
    supervisor.start(Child("a", ["false"], tmp_path / "a.out"))
    wait_for(lambda: supervisor.states()["a"].restarts >= 1)
    assert supervisor.states()["b"].status == "running"
    supervisor.stop_all()

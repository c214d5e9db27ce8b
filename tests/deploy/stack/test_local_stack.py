"""The stack's own decisions; the real servers are in test_servers.py."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.stack import local_stack
from deploy.stack.local_stack import LocalStack, locked_data_dir, log_tail
from deploy.stack.locks import server_lets_go
from deploy.stack.supervisor import Child

HOLD = """
import fcntl, sys
handle = open(sys.argv[1], "w")
fcntl.lockf(handle, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class FakeServer:
    """A server made of a shell command, ready when told."""

    def __init__(self, script: str, folder: Path, *, ready: bool = True) -> None:
        self.address = "127.0.0.1:1"
        self.log_file = folder / "own.log"
        self.script = script
        self.ready = ready

    def prepare(self) -> None:
        """Nothing to do."""

    def child(self, output: Path) -> Child:
        return Child("fake", ["sh", "-c", self.script], output, stop_seconds=5)

    def is_ready(self) -> bool:
        return self.ready


@pytest.fixture
def started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeServer]]:
    """Put a fake server into the list to have every stack made of it; nothing is fetched."""
    servers: list[FakeServer] = []
    monkeypatch.setattr(LocalStack, "_fetch", lambda self: None)
    monkeypatch.setattr(LocalStack, "_servers", lambda self: {"fake": servers[0]})
    return servers


def test_second_stack_on_one_data_directory_is_refused(tmp_path: Path) -> None:
    with (
        locked_data_dir(tmp_path),
        pytest.raises(
            StackError, match=rf"^a local stack runs on {tmp_path} already \(process {os.getpid()}\): use that"
        ),
    ):
        LocalStack(tmp_path).start()


def test_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    locked_data_dir(tmp_path).close()
    locked_data_dir(tmp_path).close()
    assert (tmp_path / "stack.lock").read_text() == f"{os.getpid()}\n"


def test_given_port_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalStack, "_fetch", lambda self: None)
    monkeypatch.setattr(local_stack, "find_java", lambda *_arguments, **_options: Path("/jdk"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} for elasticsearch is taken"):
            LocalStack(tmp_path, elasticsearch_port=port).start()
    locked_data_dir(tmp_path).close()  # the failed start holds nothing


def test_folder_that_is_no_elasticsearch(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"is not the folder of an Elasticsearch: name the folder"):
        LocalStack(tmp_path / "data", elasticsearch_home=tmp_path).start()


def test_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StackError, match=r"could not use .*/file/data \(Not a directory\): make it readable"):
        LocalStack(tmp_path / "file" / "data").start()


def test_stop_ends_what_start_began(tmp_path: Path, started_with: list[FakeServer]) -> None:
    said: list[str] = []
    started_with.append(FakeServer("exec sleep 60", tmp_path))
    with LocalStack(tmp_path, report=said.append) as stack:
        assert stack.states()["fake"].status == "running"
    assert stack.states() == {}
    assert said == ["Starting fake at 127.0.0.1:1", "fake is ready after 0 s"]
    stack.stop()


def test_server_that_keeps_ending_is_given_up(tmp_path: Path, started_with: list[FakeServer]) -> None:
    started_with.append(FakeServer("echo out of memory; exit 3", tmp_path, ready=False))
    stack = LocalStack(tmp_path)
    stack.supervisor.clock = iter(range(0, 10**6, 5)).__next__
    with pytest.raises(StackError, match=r"^fake keeps ending before it is ready; it last said: .*out of memory: read"):
        stack.start()
    assert stack.states() == {}


def test_server_that_never_gets_ready_is_given_up(tmp_path: Path, started_with: list[FakeServer]) -> None:
    server = FakeServer("exec sleep 60", tmp_path, ready=False)
    server.log_file.write_text("one\ntwo\nwaiting for shards\n")
    started_with.append(server)
    stack = LocalStack(tmp_path, clock=iter(range(0, 10**6, 50)).__next__)
    with pytest.raises(StackError, match=r"^fake is not ready after 180 s; it last said: one \| two \| waiting for"):
        stack.start()
    assert stack.states() == {}


def test_log_tail_of_nothing(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "missing") == ""


def test_waiting_for_a_killed_server_to_let_go(tmp_path: Path) -> None:
    lock = tmp_path / "node.lock"
    assert server_lets_go(lock, 0)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert not server_lets_go(lock, 0)
        holder.kill()
        assert server_lets_go(lock, 10)

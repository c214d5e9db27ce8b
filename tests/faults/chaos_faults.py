"""The faults of a round, carried out on running processes."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from deploy.stack.supervisor import Child, Supervisor
from schemas import kafka_topics
from tests.faults.chaos_plan import Fault, Kind, stage_of
from tests.faults.feeding import clustered, fed, id_of, labelled, published, reading, revision
from tests.faults.hostile import PROCESSED, hostile_records
from tests.faults.small_disk import SmallDisk
from tests.services import Installation, LogRecord

_FULL_SECONDS: Final = 6.0
_FREEZE_EXTRA_SECONDS: Final = 4.0
_HOSTILE_EACH: Final = 4
_NEVER_LARGE: Final = 100_000


class Faults:
    """Carries out faults; `undo` ends what lasts.

    Args:
        installation: of the round.
        supervisor: of servers and services.
        children: the services as they were started.
        session_seconds: after which a silent worker is taken for dead.
        disk: the broker's, or None.
        rng: chooses hostile messages.
        tell: gets a line for each thing worth saying.
    """

    def __init__(
        self,
        installation: Installation,
        supervisor: Supervisor,
        children: dict[str, Child],
        *,
        session_seconds: float,
        disk: SmallDisk | None,
        rng: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self._installation = installation
        self._supervisor = supervisor
        self._children = children
        self._session_seconds = session_seconds
        self._disk = disk
        self._rng = rng
        self._tell = tell
        self._timers: list[threading.Timer] = []
        self._hostile = 0
        self._commands: list[tuple[list[str], subprocess.Popen[bytes]]] = []

    def happen(self, fault: Fault) -> None:
        """Carry out one fault."""
        carry_out: dict[Kind, Callable[[], None]] = {
            "kill": lambda: self._signal(fault.target, signal.SIGKILL),
            "terminate": lambda: self._signal(fault.target, signal.SIGTERM),
            "freeze": lambda: self._freeze(fault.target),
            "clock": lambda: self._restart(fault.target, fault.amount),
            "kill kafka": lambda: self._signal("kafka", signal.SIGKILL, group=True),
            "kill elasticsearch": lambda: self._signal("elasticsearch", signal.SIGKILL, group=True),
            "full disk": self._fill_disk,
            "hostile": self._send_hostile,
            "replay": lambda: self._command("replay"),
            "forget": lambda: self._command("forget"),
        }
        carry_out[fault.kind]()

    def undo(self) -> None:
        """Wake who is frozen, free the disk, and see the commands through."""
        for timer in self._timers:
            timer.cancel()
        if self._disk is not None:
            self._disk.free()
        for name in self._children:
            self._signal(name, signal.SIGCONT, group=True)
        self._see_through()

    def _pid(self, name: str) -> int | None:
        return self._supervisor.states()[name].pid

    def _signal(self, name: str, number: int, *, group: bool = False) -> None:
        pid = self._pid(name)
        if pid is not None:
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(pid, number)

    def _freeze(self, name: str) -> None:
        pid = self._pid(name)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGSTOP)
        self._later(self._session_seconds + _FREEZE_EXTRA_SECONDS, lambda: _wake(pid))

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, do)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _restart(self, name: str, offset: int) -> None:
        """Start the service again with a clock that is wrong from now on."""
        self._signal(name, signal.SIGCONT, group=True)
        self._supervisor.stop(name)
        program = [sys.executable, "-m", "tests.faults.service", "--clock-offset", str(offset), stage_of(name)]
        self._supervisor.start(replace(self._children[name], argv=program))

    def _fill_disk(self) -> None:
        if self._disk is None:
            self._tell("skipped: no small disk can be mounted here")
            return
        self._disk.fill()
        self._later(_FULL_SECONDS, self._disk.free)

    def _send_hostile(self) -> None:
        """A few broken records on each topic of articles; which, chance decides."""
        self._hostile += 1
        name = f"hostile-{self._hostile}"
        good = {
            kafka_topics.FETCHED: fed(reading(name, "1", 0)),
            kafka_topics.UNIQUE: fed(revision(name, "1", 1)),
            kafka_topics.REENRICH: fed(labelled(name, "1", 1, run=1)),
            kafka_topics.TAGGED: fed(labelled(name, "1", 1)),
            kafka_topics.ENRICHED: [(r.key, r.value) for r in (published(clustered(name, "1", 1)),)],
            kafka_topics.TRACE: [(id_of(name).encode(), b'{"type":"trace","article_id":"x"}')],
            kafka_topics.REDELIVERED: [(id_of(name).encode(), b"{}")],
        }
        for topic, ((key, value),) in good.items():
            broken = [
                hostile.record
                for hostile in hostile_records(
                    LogRecord(0, 0, key, value),
                    other_key=id_of("autre").encode(),
                    compacted=topic.compacted,
                )
                if hostile.meaning != PROCESSED and len(hostile.record.value or b"") < _NEVER_LARGE
            ]
            chosen = self._rng.sample(broken, _HOSTILE_EACH)
            with suppress(Exception):  # while the broker is down, nothing hostile comes either
                self._installation.produce_records(topic, chosen)

    def _command(self, name: str) -> None:
        """A command of a person, beside the faults; `undo` sees it through."""
        arguments = {
            "replay": ["replay", "--all", "--rate", "10"],
            "forget": ["forget", "--yes", f"http://www.phare-ouest.example/chaos-{self._rng.randrange(10)}.html"],
        }[name]
        self._commands.append((arguments, self._installation.start(*arguments, log=name)))

    def _see_through(self) -> None:
        """Commands may have failed for want of a server: again until they are done, as people do."""
        for arguments, process in self._commands:
            code = _code(process)
            for _ in range(5):
                if code == 0:
                    break
                self._tell(f"{arguments[0]} ended with {code}, again")
                again = ["replay", "--resume"] if arguments[0] == "replay" else arguments
                code = _code(self._installation.start(*again, log=arguments[0]))
            self._tell(f"{arguments[0]} ended with {code}")


def _code(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _wake(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGCONT)

"""One round of chaos on its own servers: begin, faults, rest, oracle, and nothing left behind.

    small disk ─ Kafka, Elasticsearch ─ newsstand, source ─ services, all supervised ─ faults of the seed
    ─ wake, free, see through ─ all committed? ─ oracle ─ stop ─ processes left behind?

What happens when is planned in chaos_plan.py, done in chaos_faults.py, judged in oracle.py.
"""

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.newsstand.expectations import Expectation, expectations
from deploy.stack.local_stack import LocalStack
from deploy.stack.supervisor import Child, Supervisor
from schemas import kafka_topics
from tests.faults.chaos_faults import Faults
from tests.faults.chaos_plan import SERVICES, Fault, schedule, stage_of
from tests.faults.chaos_source import Source
from tests.faults.evidence import INPUTS, evidence_of, undone
from tests.faults.oracle import Evidence, faults
from tests.faults.published import acknowledged_faults, newsstand_faults
from tests.faults.small_disk import SmallDisk, small_disk
from tests.integration.open_newsstand import open_newsstand
from tests.integration.test_up import left_behind
from tests.servers import new_data_dir
from tests.services import Installation

SESSION_SECONDS: Final = 4.0
REST_SECONDS: Final = 300.0
_RATE: Final = 4.0
_STOP_ORDER: Final = tuple(dict.fromkeys(SERVICES))

Tell = Callable[[str], None]


@dataclass
class Round:
    """What came of a round.

    Attributes:
        seed: which repeats its faults.
        faults: the oracle's sentences; none: nothing lost, nothing twice.
        readings: records that were published.
        restarts: how often each process was started again.
        seconds: how long it took, servers included.
    """

    seed: int
    faults: list[str] = field(default_factory=list)
    readings: int = 0
    restarts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def play_round(seed: int, seconds: float, tell: Tell, keep: Path) -> Round:
    """Play a round.

    Args:
        seed: decides the faults and what is published.
        seconds: how long faults go on.
        tell: gets a line for each thing worth saying.
        keep: logs go there; all records too if something is wrong.
    """
    started = time.monotonic()
    result = Round(seed)
    with new_data_dir() as data_dir:
        try:
            with _stage(data_dir, seed, tell) as (installation, supervisor, disk, children):
                _play(result, installation, supervisor, disk, children, seconds, tell)
        finally:
            shutil.copytree(data_dir / "logs", keep / "logs", dirs_exist_ok=True)
        if left := left_behind(data_dir):
            result.faults += [f"left behind: {command}" for command in left]
    result.seconds = time.monotonic() - started
    return result


@contextmanager
def _stage(
    data_dir: Path, seed: int, tell: Tell
) -> Iterator[tuple[Installation, Supervisor, SmallDisk | None, dict[str, Child]]]:
    """Servers, newsstand and services; all of it ends with the block, whatever happens."""
    with ExitStack() as cleanup:
        disk = cleanup.enter_context(small_disk(data_dir / "kafka" / "data"))
        supervisor = Supervisor(lambda line: tell(f"          {line.partition(' (log:')[0]}"))
        stack = cleanup.enter_context(
            LocalStack(data_dir, supervisor=supervisor, elasticsearch_heap="400m", kafka_heap="384m")
        )
        installation = Installation(stack, data_dir / "logs", prefix=f"chaos{seed}.")
        _, settings = cleanup.enter_context(open_newsstand(data_dir))
        installation.settings |= settings | {
            "KIOSQUE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "KIOSQUE_PROBE_SECONDS": "2",
            "KIOSQUE_WATCHDOG_SECONDS": "60",
            "KIOSQUE_DATA_DIR": str(data_dir),
        }
        installation.make_topics()
        children = {name: _child(installation, name) for name in SERVICES}
        cleanup.callback(lambda: [supervisor.stop(name) for name in _STOP_ORDER])
        for child in children.values():
            supervisor.start(child)
        yield installation, supervisor, disk, children


def _child(installation: Installation, name: str) -> Child:
    return Child(
        name=name,
        argv=[sys.executable, "-m", "deploy.cli", stage_of(name)],
        env=installation.environment(),
        log_file=installation.folder / f"{name}.log",
        stop_seconds=30.0,
    )


def _play(
    result: Round,
    installation: Installation,
    supervisor: Supervisor,
    disk: SmallDisk | None,
    children: dict[str, Child],
    seconds: float,
    tell: Tell,
) -> None:
    plan = schedule(result.seed, seconds, () if disk else ("full disk",))
    if disk is None:
        tell("skipped: full disk (nothing can be mounted here)")
    source = Source(installation.stack.kafka, installation.prefix, result.seed, _RATE)
    rng = random.Random(result.seed)
    troubles = Faults(
        installation, supervisor, children, session_seconds=SESSION_SECONDS, disk=disk, rng=rng, tell=tell
    )
    _wait_until_all_work(installation)
    source.start()
    try:
        _let_happen(plan, troubles, tell)
    finally:
        troubles.undo()
    source.stop()
    tell("faults are over, waiting for rest")
    expected = expectations()
    rest = _rest(installation, expected)
    tell("asking the oracle" if rest else "it does not come to rest; asking the oracle")
    evidence = evidence_of(installation, *INPUTS, index=True)
    result.readings = len(evidence.of(kafka_topics.FETCHED))
    result.restarts = {name: state.restarts for name, state in supervisor.states().items()}
    result.faults = [
        *faults(evidence, expected),
        *acknowledged_faults(source.acknowledged, evidence.of(kafka_topics.FETCHED)),
    ]
    if result.faults:
        _write_down(evidence, installation.folder / "records.txt")


def _wait_until_all_work(installation: Installation) -> None:
    """Faults before the first work would only test waiting."""
    deadline = time.monotonic() + 90
    while not installation.records(kafka_topics.ENRICHED) and time.monotonic() < deadline:
        time.sleep(1)


def _let_happen(plan: list[Fault], troubles: Faults, tell: Tell) -> None:
    began = time.monotonic()
    for fault in plan:
        time.sleep(max(0.0, fault.at - (time.monotonic() - began)))
        tell(str(fault))
        troubles.happen(fault)


def _rest(installation: Installation, expected: tuple[Expectation, ...]) -> bool:
    """Whether everything comes to rest in time: the newsstand read, all input committed, twice in a row."""
    deadline, quiet = time.monotonic() + REST_SECONDS, 0
    while time.monotonic() < deadline:
        fetched, trace = installation.records(kafka_topics.FETCHED), installation.records(kafka_topics.TRACE)
        busy = newsstand_faults(expected, fetched, trace) or any(undone(installation, stage) for stage in INPUTS)
        quiet = 0 if busy else quiet + 1
        if quiet > 1:
            return True
        time.sleep(2)
    return False


def _write_down(evidence: Evidence, file: Path) -> None:
    """All records, one a line, for whoever looks for the cause."""
    with file.open("w", encoding="utf-8") as lines:
        for topic, records in evidence.topics.items():
            for record in records:
                key, value = (record.key or b"").decode(errors="replace"), (record.value or b"")[:3000]
                lines.write(f"{topic} {record.partition}:{record.offset} {key} {list(record.headers)} {value!r}\n")

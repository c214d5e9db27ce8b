"""Each protection taken away: the schedule that then goes wrong, and what the oracle says. `make protections`.

    python -m tests.faults.protections [--write FILE] [--list] [NAME ...]

Every schedule runs twice on real servers, with the protection (the oracle must be silent) and without (it must not).
"""

import argparse
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.stack.local_stack import LocalStack
from tests.faults import schedules
from tests.faults.play import play
from tests.faults.schedules import Schedule
from tests.servers import new_data_dir
from tests.services import Installation

BEGIN: Final = "<!-- protections:begin -->"
END: Final = "<!-- protections:end -->"
_FAULTS_SHOWN: Final = 3


@dataclass(frozen=True)
class Protection:
    """One protection.

    Attributes:
        name: as `tests.faults.service --without` knows it.
        what: what it is, for the table.
        instead: what stands in its place when it is taken away.
        plot: the schedule in words.
        schedule: the schedule.
    """

    name: str
    what: str
    instead: str
    plot: str
    schedule: Schedule


PROTECTIONS: Final = (
    Protection(
        "fencing",
        "one transactional id for each input partition: a new owner fences the former",
        "a transactional id for each worker",
        "dedupe frozen at `after_decide`, another takes over, the first wakes",
        schedules.frozen_and_woken("after_decide", schedules.ALTERNATING),
    ),
    Protection(
        "transactions",
        "outputs, traces and state in one transaction",
        "written one after the other",
        "dedupe killed at `after_send`",
        schedules.killed_at("dedupe", "after_send:2", schedules.ALTERNATING),
    ),
    Protection(
        "restore-after-fence",
        "the state is read after the former owner is fenced",
        "read before",
        "dedupe frozen at `after_decide`, woken while its successor is at `after_restore`",
        schedules.woken_during_takeover,
    ),
    Protection(
        "read-committed-state",
        "state is read committed",
        "read uncommitted",
        "dedupe killed at `after_send`",
        schedules.killed_at("dedupe", "after_send:2", schedules.ALTERNATING),
    ),
    Protection(
        "offset-rule",
        "dedupe: an offset not above the recorded one is a redelivery",
        "decided again",
        "a clock was set back between two readings; dedupe killed at `after_commit`",
        schedules.killed_at("dedupe", "after_commit", schedules.CLOCK_SET_BACK),
    ),
    Protection(
        "withdrawn-rule",
        "dedupe: withdrawn for good",
        "a reading after a withdrawal is a revision",
        "read, withdrawn, read again",
        schedules.in_order("dedupe", schedules.READ_AFTER_WITHDRAWAL),
    ),
    Protection(
        "superseded-rule",
        "dedupe: an older reading is superseded",
        "the last one to arrive counts",
        "v2, then a late v1",
        schedules.in_order("dedupe", schedules.LATE_READING),
    ),
    Protection(
        "announced-number",
        "dedupe: a later change that the feed announced is never old",
        "the time of reading alone",
        "v1, clock set back, v2",
        schedules.in_order("dedupe", schedules.CLOCK_SET_BACK),
    ),
    Protection(
        "reading-time",
        "dedupe: a later reading is never old",
        "the announced number alone",
        "v1 as change 5, the poller's memory is lost, v2 as change 0",
        schedules.in_order("dedupe", schedules.MEMORY_LOST),
    ),
    Protection(
        "same-content-rule",
        "dedupe: the same fingerprint is not a revision",
        "every reading is one",
        "v1, v1",
        schedules.in_order("dedupe", schedules.SAME_AGAIN),
    ),
    Protection(
        "input-identity",
        "dedupe: the state knows which topic its offsets are of",
        "offsets alone",
        "articles.fetched deleted and made anew",
        schedules.input_made_anew,
    ),
    Protection(
        "exception-rule",
        "nothing leaves the agent's block: the process ends, uncommitted",
        "the exception goes up to Faust",
        "an error at dedupe's `after_take`",
        schedules.raising_at("dedupe", "after_take", schedules.ALTERNATING),
    ),
    Protection(
        "acknowledged-before-commit",
        "enrich: offsets are committed after Kafka has acknowledged the results",
        "a write returns when it is buffered",
        "enrich killed at `after_offsets`",
        schedules.killed_at("enrich", "after_offsets", schedules.REVISIONS),
    ),
    Protection(
        "read-committed-workers",
        "workers read committed records only",
        "as faust-streaming does by itself",
        "dedupe killed at `after_send`, enrich reads on",
        schedules.aborted_before_enrich,
    ),
    Protection(
        "in-order-commits",
        "workers commit the last offset done, gaps or not",
        "as faust-streaming does by itself",
        "enrich has done a partition's first message, dedupe is killed at `after_send` in the second",
        schedules.aborted_behind_the_first,
    ),
    Protection(
        "version-guard",
        "cluster drops what is not above the known version",
        "passed on",
        "r1, r2, r1, r2, as enrich writes after a crash",
        schedules.in_order("cluster", schedules.REDELIVERED_BY_ENRICH),
    ),
    Protection(
        "read-committed-sink",
        "the sink reads committed records only",
        "read uncommitted",
        "cluster killed at `after_send`, the sink reads on",
        schedules.aborted_before_index,
    ),
)


@dataclass(frozen=True)
class Verdict:
    """What came of one protection's two runs."""

    protection: Protection
    with_it: tuple[str, ...]
    without_it: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Whether the protection is needed, and enough, for its schedule."""
        return not self.with_it and bool(self.without_it)


def tried(stack: LocalStack, protection: Protection, folder: Path) -> Verdict:
    """Both runs of a protection, each on an installation of its own."""
    faults = []
    for without in ("", protection.name):
        place = folder / f"{protection.name}-{'without' if without else 'with'}"
        place.mkdir(parents=True)
        installation = Installation(stack, place)
        installation.make_topics()
        try:
            with play(installation, without) as begun:
                faults.append(tuple(protection.schedule(begun)))
        finally:
            installation.delete_topics()
    return Verdict(protection, *faults)


def row(verdict: Verdict) -> str:
    """The table row of a protection."""
    first = _generic(verdict.without_it[0]) if verdict.without_it else "**nothing fails**"
    if verdict.with_it:
        first = f"**fails also with it: {_generic(verdict.with_it[0])}**"
    chosen = verdict.protection
    return f"| {chosen.what} | {chosen.instead} | {chosen.plot} | {first} |"


def _generic(fault: str) -> str:
    """A sentence without the id of the article it is about."""
    return re.sub(r"^[0-9a-f]{8}: ", "", fault)


def table(rows: Sequence[str]) -> str:
    """The whole table in Markdown."""
    head = ["| protection | instead | schedule | what then goes wrong |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def with_table(document: str, rows: Sequence[str]) -> str:
    """The document with the table between its markers.

    Raises:
        ValueError: it has no markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END}")
    return f"{before}{begin}\n{table(rows)}\n{end}{after}"


def main(arguments: list[str]) -> int:
    """Try the named protections, or all; returns 1 if one of them is not shown to be needed and enough."""
    parser = argparse.ArgumentParser(prog="tests.faults.protections", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, help="the document that gets the table (all protections only)")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    chosen = [p for p in PROTECTIONS if not options.names or p.name in options.names]
    if options.list:
        sys.stdout.write("".join(f"{p.name:28} {p.what}\n" for p in chosen))
        return 0
    verdicts = []
    with new_data_dir() as folder, LocalStack(folder, elasticsearch_heap="400m", kafka_heap="384m") as stack:
        for protection in chosen:
            started = time.monotonic()
            verdict = tried(stack, protection, folder / "plays")
            verdicts.append(verdict)
            _tell(verdict, time.monotonic() - started)
    if options.write and not options.names:
        text = options.write.read_text(encoding="utf-8")
        options.write.write_text(with_table(text, [row(verdict) for verdict in verdicts]), encoding="utf-8")
    return 0 if all(verdict.shown for verdict in verdicts) else 1


def _tell(verdict: Verdict, seconds: float) -> None:
    lines = [f"{verdict.protection.name} ({seconds:.0f} s): {'needed' if verdict.shown else 'NOT SHOWN'}"]
    for label, faults in (("with it", verdict.with_it), ("without it", verdict.without_it)):
        lines += [f"    {label}: {fault}" for fault in faults[:_FAULTS_SHOWN]] or [f"    {label}: nothing fails"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

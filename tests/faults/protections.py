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
from tests.faults.play import Play, play
from tests.faults.protection_list import PROTECTIONS, Protection
from tests.servers import new_data_dir
from tests.services import Installation

BEGIN: Final = "<!-- protections:begin -->"
END: Final = "<!-- protections:end -->"
_FAULTS_SHOWN: Final = 3
_UNPLAYED: Final = "the schedule cannot be played: "


@dataclass(frozen=True)
class Verdict:
    """What came of one protection's two runs."""

    protection: Protection
    with_it: tuple[str, ...]
    without_it: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Whether the protection is needed, and enough, for its schedule."""
        played = not any(fault.startswith(_UNPLAYED) for fault in self.without_it)
        return played and not self.with_it and bool(self.without_it)


def tried(stack: LocalStack, protection: Protection, folder: Path) -> Verdict:
    """Both runs of a protection, each on an installation of its own."""
    if protection.simulated:
        return simulated(protection)
    faults = []
    for without in ("", protection.removal or protection.name):
        place = folder / f"{protection.name}-{'without' if without else 'with'}"
        place.mkdir(parents=True)
        installation = Installation(stack, place)
        installation.make_topics()
        try:
            with play(installation, without) as begun:
                faults.append(tuple(protection.schedule(begun)))
        except AssertionError as error:
            faults.append((f"{_UNPLAYED}{error}",))
        finally:
            installation.delete_topics()
    return Verdict(protection, *faults)


def simulated(protection: Protection) -> Verdict:
    """Both runs of one that needs no servers."""
    without_servers: Installation = None  # type: ignore[assignment]  # a simulation never asks for it
    with_it, without_it = (
        tuple(protection.schedule(Play(without_servers, without))) for without in ("", protection.name)
    )
    return Verdict(protection, with_it, without_it)


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

"""Set up everything that a fresh clone needs; do and say nothing when it is all there.

    say what will be fetched ─► the environment in .venv (see environment.py) ─► Kafka and Elasticsearch (see stack/)

    python3 deploy/bootstrap.py [--dev] [--no-servers]

Standard library only. Any Python can read this file, so that one that is too old gets a sentence and not a traceback;
what it imports inside functions needs Python >= 3.11. Whatever interrupts it, the next run repairs it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.environment import Environment, Mode
    from deploy.stack.pins import FetchItem

ROOT = Path(__file__).resolve().parent.parent
MINIMUM_PYTHON = (3, 11)
# Measured on Linux x86-64 with Python 3.11; others differ by a few per cent.
DOWNLOAD_MB = {"runtime": 270, "dev": 320}
INSTALLED_MB = {"runtime": 650, "dev": 750}


def main(arguments: Sequence[str]) -> int:
    """Bring the clone up to date; 0, or the exit code of what went wrong."""
    parser = argparse.ArgumentParser(description="Set up .venv and the servers of this clone.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument("--no-servers", action="store_true", help="leave Kafka and Elasticsearch out")
    options = parser.parse_args(arguments)
    sentence = too_old(tuple(sys.version_info[:3]))
    if sentence:
        return fail(sentence, 2)
    sys.path[0] = str(ROOT)  # instead of deploy/: our own packages, not their parts
    from deploy.errors import UserError  # noqa: PLC0415 - needs the path and the Python seen to above

    try:
        set_up("dev" if options.dev else "runtime", servers=not options.no_servers)
    except UserError as problem:
        return fail(str(problem), problem.exit_code)
    except OSError as problem:
        return fail(f"Setting up failed ({problem}): make room or give access there, then run it again.", 2)
    except subprocess.CalledProcessError as problem:  # it has said why
        return problem.returncode
    except KeyboardInterrupt:
        return fail("Interrupted; the next run goes on from here.", 130)
    return 0


def too_old(version: tuple[int, ...]) -> str | None:
    """One sentence if this Python cannot run the project."""
    if version >= MINIMUM_PYTHON:
        return None
    running, needed = (".".join(map(str, part)) for part in (version, MINIMUM_PYTHON))
    return (
        f"This is Python {running}, Kiosque needs {needed} or later: install one, e.g. `apt install python3.11-venv`."
    )


def set_up(wanted: Mode, *, servers: bool) -> None:
    """Do what is missing.

    Raises:
        UserError: with the next step.
        subprocess.CalledProcessError: fetching the servers failed and has said why.
    """
    from deploy.environment import Environment, make_environment, one_at_a_time  # noqa: PLC0415 - needs what main has seen to
    from deploy.stack import cache, pins  # noqa: PLC0415

    environment = Environment(ROOT, cache.cache_dir())
    mode = environment.mode(wanted)
    missing = [item for item in pins.fetch_plan(environment.cache) if servers and not item.present]
    if environment.is_current(mode) and not missing:
        return
    say(announcement(environment, mode, missing))
    with one_at_a_time(ROOT):
        if not environment.is_current(mode):
            make_environment(environment, mode, say)
        if missing:
            subprocess.run([environment.python, "-m", "deploy.stack.fetch"], cwd=ROOT, check=True)


def announcement(environment: Environment, mode: Mode, missing: Sequence[FetchItem]) -> str:
    """The first line: what will be fetched, how much, where to, and how to remove it.

    Args:
        environment: may be current or not.
        mode: what it shall be.
        missing: the servers to fetch.
    """
    parts = []
    if not environment.is_current(mode):
        here = environment.packages_marker(mode).exists()
        download = "downloaded before" if here else f"up to {DOWNLOAD_MB[mode]} MB to download"
        parts.append(f"Python packages ({download}, {INSTALLED_MB[mode]} MB installed) into .venv")
    if missing:
        names = " and ".join(item.name for item in missing)
        download_mb = sum(item.download_bytes for item in missing) / 1e6
        kept_mb = sum(item.kept_bytes for item in missing) / 1e6
        parts.append(f"{names} ({download_mb:.0f} MB to download, {kept_mb:.0f} MB kept) into {environment.cache}")
    return f"Setting up {', and '.join(parts)}. To remove it all: rm -rf .venv {environment.cache}"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def fail(sentence: str, exit_code: int) -> int:
    """Print a sentence for what went wrong; hands the exit code back."""
    sys.stderr.write(sentence + "\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

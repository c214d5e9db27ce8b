"""A service of ours as users start it, without one of its protections or with a clock that is wrong.

    python -m tests.faults.service [--without PROTECTION] [--clock-offset SECONDS] SERVICE [ARGUMENTS]

What is taken away is replaced in this process before the real command line runs (removals.py): production code has no
switches. Worker processes of the service are not changed.
"""

import argparse
import sys
from datetime import timedelta

from tests.faults.removals import REMOVALS


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tests.faults.service", description=__doc__.partition("\n")[0])
    parser.add_argument("--without", choices=sorted(REMOVALS), help="the protection to take away")
    parser.add_argument("--clock-offset", type=float, default=0.0, help="seconds; negative: the clock is late")
    parser.add_argument("service")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if options.clock_offset:
        set_clock(options.clock_offset)
    if options.without:
        REMOVALS[options.without]()
    from deploy.cli import main as run

    sys.argv = ["kiosque", options.service, *options.rest]
    run()


def set_clock(offset_seconds: float) -> None:
    """Replace the project's one clock; to be called before a command module has taken it."""
    from deploy import clock

    right = clock.utc_now
    clock.utc_now = lambda: right() + timedelta(seconds=offset_seconds)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Choose the ports of a data directory and remember them, so that addresses stay the same from run to run.

A given port wins and must be free. Else the remembered one if it is free, else another. Only loopback is looked at.
"""

import json
import random
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from deploy.errors import StackError

PORT_RANGE = range(20_000, 32_000)
"""Below the ports that Linux and macOS hand out by themselves: nobody's outgoing connection takes one meanwhile."""
RANDOM_TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on that port of loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the servers do: closing connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def chosen_ports(
    given: Mapping[str, int | None],
    remembered: Mapping[str, int],
    free: Callable[[int], bool],
    candidates: Iterable[int],
) -> dict[str, int]:
    """A port for each name, all different.

    Args:
        given: every name that needs a port; its port if one is asked for.
        remembered: the ports of the last run.
        free: tells whether a port is free.
        candidates: ports to try for a name that has neither, in this order.

    Raises:
        StackError: a given port is taken, or there is no free port among the candidates.
    """
    chosen: dict[str, int] = {}
    for name, port in given.items():
        if port is not None:
            if port in chosen.values() or not free(port):
                raise StackError(
                    f"port {port} for {name} is taken by another program", "choose another, or none to have one chosen"
                )
            chosen[name] = port
    for name in given.keys() - chosen.keys():  # before any new one, so that nobody gets another's old port
        last = remembered.get(name)
        if last is not None and last not in chosen.values() and free(last):
            chosen[name] = last
    others = (port for port in candidates if port not in chosen.values() and free(port))
    for name in given.keys() - chosen.keys():
        port = next(others, None)
        if port is None:
            raise StackError(f"no free port was found for {name}", "name one in the settings")
        chosen[name] = port
    return chosen


def random_ports() -> list[int]:
    """Candidates in random order, so that stacks that start together do not try the same ones."""
    return random.sample(PORT_RANGE, RANDOM_TRIES)


def remembered_ports(file: Path) -> dict[str, int]:
    """The ports of the last run; none if the file is missing or is not ours."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in known.items() if isinstance(port, int)} if isinstance(known, dict) else {}


def remember_ports(file: Path, ports: Mapping[str, int]) -> None:
    """Write the ports of this run, keeping those of servers that do not run this time."""
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(remembered_ports(file) | dict(ports), indent=1) + "\n", encoding="utf-8")
    temporary.replace(file)

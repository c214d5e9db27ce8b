"""Which faults hit whom and when: a schedule that depends on the seed only. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final, Literal

Kind = Literal[
    "kill",
    "freeze",
    "terminate",
    "clock",
    "kill kafka",
    "kill elasticsearch",
    "hostile",
    "full disk",
    "replay",
    "forget",
]

SERVICES: Final = ("poll", "dedupe-1", "dedupe-2", "enrich", "reenrich", "cluster-1", "cluster-2", "index")
"""Processes of a round; the stage is the name without its number."""

_SERVERS: Final[tuple[Kind, ...]] = ("kill kafka", "kill elasticsearch", "full disk")
_SERVER_REST: Final = 14.0
"""After a server's death the next fault waits so long, lest nothing but waiting be tested."""

_PAUSE: Final = (2.0, 6.0)
_CLOCKS: Final = (-7200, -600, -5, 90)
"""Seconds by which a service's clock is wrong."""


def stage_of(service: str) -> str:
    return service.partition("-")[0]


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        at: seconds after the first work.
        target: a service, or empty.
        amount: seconds of a clock's offset.
    """

    at: float
    kind: Kind
    target: str = ""
    amount: int = 0

    def __str__(self) -> str:
        clock = f" {self.amount:+d} s" if self.kind == "clock" else ""
        return f"{self.at:6.1f} s  {self.kind}{f' {self.target}' if self.target else ''}{clock}"


def schedule(seed: int, seconds: float, without: Sequence[Kind] = ()) -> list[Fault]:
    """The faults of one round.

    Every service is killed, frozen and terminated in turn, in an order of chance; each kind of fault of the whole
    (servers, hostile messages, replay, forget) comes at least once if there is time.

    Args:
        seed: of the round.
        seconds: how long faults go on.
        without: kinds that cannot be had here.
    """
    rng = random.Random(seed)
    singles: list[Kind] = ["kill kafka", "kill elasticsearch", "hostile", "full disk", "replay", "forget"]
    kinds = [kind for kind in singles if kind not in without]
    rng.shuffle(kinds)
    targeted: list[Kind] = ["kill", "freeze", "terminate", "clock"]
    order = [(kind, service) for kind in targeted for service in SERVICES]
    rng.shuffle(order)
    rounds = cycle(order)
    often = cycle(kinds)
    made: list[Fault] = []
    now = rng.uniform(*_PAUSE)
    while now < seconds:
        if len(made) % 3 == 0:
            fault = Fault(now, next(often))
        else:
            kind, service = next(rounds)
            fault = Fault(now, kind, service, rng.choice(_CLOCKS) if kind == "clock" else 0)
        made.append(fault)
        now += _SERVER_REST if fault.kind in _SERVERS else rng.uniform(*_PAUSE)
    return made

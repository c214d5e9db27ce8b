"""Named places where a test may end, freeze or fail a service: crashes that can be enumerated instead of awaited.

    KIOSQUE_FAILPOINT=dedupe.after_commit          killed (SIGKILL) when it gets there
    KIOSQUE_FAILPOINT=dedupe.after_commit:3        at the third time
    KIOSQUE_FAILPOINT=dedupe.after_send:1:freeze   stopped (SIGSTOP) until somebody sends SIGCONT
    KIOSQUE_FAILPOINT=dedupe.after_take:1:raise    an error that no code of ours expects

A name says what has just been acknowledged. Without the variable a failpoint is a call that returns. deploy/ reads the
variable and arms; tests/faults reaches every name on the real servers.
"""

import os
import signal
from dataclasses import dataclass
from typing import Final, Literal, get_args

Action = Literal["kill", "freeze", "raise"]

_TRANSACTIONAL: Final = (
    "after_take",
    "after_fence",
    "after_restore",
    "after_decide",
    "after_send",
    "after_commit",
    "after_offsets",
)
_ENRICHING: Final = ("after_take", "after_labels", "after_send", "after_offsets")

FAILPOINTS: Final[dict[str, tuple[str, ...]]] = {
    "poll": (
        "after_feed_answer",
        "after_pages_saved",
        "after_feed_saved",
        "after_page_answer",
        "after_publish",
        "after_trace",
        "after_page_deleted",
    ),
    "dedupe": (*_TRANSACTIONAL, "after_former"),
    "enrich": _ENRICHING,
    "reenrich": _ENRICHING,
    "cluster": _TRANSACTIONAL,
    "index": ("after_poll", "after_write", "after_delete", "after_dead_letters", "after_commit"),
    "forget": ("after_order", "after_withdrawals"),
    "replay": ("after_send", "after_open", "after_portion"),
    "dead": ("after_resend",),
}
"""Process -> its failpoints, in the order in which one message passes them."""


class FailpointReached(RuntimeError):
    """What a failpoint with the action `raise` raises."""


@dataclass
class _Armed:
    name: str
    passes_left: int
    action: Action


_armed: list[_Armed] = []


def arm(specification: str) -> None:
    """Arm one failpoint of this process, or none if the specification is empty.

    Raises:
        ValueError: no such failpoint, count or action.
    """
    _armed.clear()
    if not specification:
        return
    name, _, rest = specification.partition(":")
    count, _, action = rest.partition(":")
    stage, _, point = name.partition(".")
    if point not in FAILPOINTS.get(stage, ()):
        raise ValueError(f"there is no failpoint {name!r}")
    if count and not (count.isascii() and count.isdigit() and int(count) > 0):
        raise ValueError(f"a failpoint's count is a whole number from 1, not {count!r}")
    if action not in {"", *get_args(Action)}:
        raise ValueError(f"a failpoint can kill, freeze or raise, not {action!r}")
    _armed.append(_Armed(name, int(count or 1), action or "kill"))  # type: ignore[arg-type]  # checked above


def failpoint(name: str) -> None:
    """The process has got to this place."""
    for armed in _armed:
        if armed.name == name:
            armed.passes_left -= 1
            if armed.passes_left == 0:
                _happen(armed)


def _happen(armed: _Armed) -> None:
    match armed.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "raise":
            raise FailpointReached(armed.name)

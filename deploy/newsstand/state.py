"""What a newsstand must remember over a restart: when it opened and what was read when.

Without it a restarted newsstand would show version 1 of a corrected article again, which no publisher does. The file
is small JSON, replaced as a whole, so that a crash leaves the old or the new one.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from deploy.errors import UserError

_FORMAT = 1


@dataclass(slots=True)
class StandState:
    """The moment of opening (aware UTC) and the first reading of each read key."""

    opened_at: datetime
    reads: dict[str, datetime] = field(default_factory=dict)


def load_state(path: Path | None, now: datetime) -> StandState:
    """The state of an earlier run, or a new one that opens now.

    Raises:
        UserError: the file is there but is not a newsstand's state.
    """
    if path is None or not path.exists():
        return StandState(now.replace(microsecond=0))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            raise UserError(f"the newsstand state {path} has an unknown format", "delete the file to start afresh")
        reads = {key: datetime.fromisoformat(moment) for key, moment in data["first_reads"].items()}
        return StandState(datetime.fromisoformat(data["opened_at"]), reads)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{path} is not the state of a newsstand"
        raise UserError(problem, "name another file or delete it to start afresh") from error


def save_state(path: Path, state: StandState) -> None:
    """Write the state; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "format": _FORMAT,
        "opened_at": state.opened_at.isoformat(),
        "first_reads": {key: moment.isoformat() for key, moment in state.reads.items()},
    }
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)

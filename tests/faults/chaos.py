"""Random chaos on real servers, round after round, and the oracle after each. `make chaos`.

    python -m tests.faults.chaos [--rounds N] [--minutes M] [--seed S] [--again]

Finished rounds are remembered in .chaos/: the same command goes on where it was stopped. A seed repeats the faults and
what is published, not the moments at which processes meet them.
"""

import argparse
import json
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from tests.faults.chaos_plan import schedule
from tests.faults.chaos_round import play_round

FOLDER: Final = Path(".chaos")
_SENTENCES: Final = 20


def main(arguments: list[str]) -> int:
    """Play the rounds that are missing; returns 1 if any round, also an earlier one, was not right."""
    parser = argparse.ArgumentParser(prog="tests.faults.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=3.0, help="of faults in each round")
    parser.add_argument("--seed", type=int, help="of the first round; the others count on (default: chance)")
    parser.add_argument("--again", action="store_true", help="forget finished rounds")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
    state = _state(options.seed, again=options.again)
    for number in range(len(state["rounds"]), options.rounds):
        _play(state, state["seed"] + number, options.minutes, number + 1, options.rounds)
    return _summary(state["rounds"][: options.rounds])


def _state(seed: int | None, *, again: bool) -> dict[str, Any]:
    file = FOLDER / "state.json"
    if file.exists() and not again:
        held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if seed in (None, held["seed"]):
            return held
    return {"seed": seed if seed is not None else random.randrange(1, 1_000_000), "rounds": []}


def _play(state: dict[str, Any], seed: int, minutes: float, number: int, of: int) -> None:
    _tell(f"round {number} of {of}, seed {seed}; schedule:")
    for fault in schedule(seed, minutes * 60):
        _tell(f"    {fault}")
    played = play_round(seed, minutes * 60, _tell, FOLDER / f"round-{seed}")
    state["rounds"].append(asdict(played))
    (FOLDER / "state.json").write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    verdict = f"{len(played.faults)} faults" if played.faults else "0 lost, 0 twice"
    _tell(f"round {number}, seed {seed}: {verdict}; {played.readings} readings, {played.seconds:.0f} s")
    for sentence in played.faults[:_SENTENCES]:
        _tell(f"    {sentence}")


def _summary(rounds: list[dict[str, Any]]) -> int:
    wrong = [played for played in rounds if played["faults"]]
    readings = sum(played["readings"] for played in rounds)
    restarts = sum(sum(played["restarts"].values()) for played in rounds)
    _tell(f"{len(rounds)} rounds, {readings} readings, {restarts} restarts: {len(wrong)} rounds with faults")
    for played in wrong:
        _tell(f"    seed {played['seed']}: {len(played['faults'])} faults, see {FOLDER}/round-{played['seed']}")
    return 1 if wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

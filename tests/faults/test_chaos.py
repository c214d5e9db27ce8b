"""One short round of random chaos on servers of its own; `make chaos` plays longer ones. The seed is in the output."""

import os
import random
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.chaos_plan import SERVICES, schedule
from tests.faults.chaos_round import play_round
from tests.faults.evidence import shown

SECONDS = 60.0


@pytest.mark.servers
@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_round_loses_nothing_and_doubles_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1, 1_000_000))
    with capsys.disabled():
        sys.stdout.write(f"\nchaos: CHAOS_SEED={seed} repeats this round's faults\n")
    lines: list[str] = []
    played = play_round(seed, SECONDS, lines.append, tmp_path)
    said = "\n".join(lines)
    assert not played.faults, f"CHAOS_SEED={seed}, logs in {tmp_path}\n{shown(played.faults)}\n{said}"
    assert played.readings > 0


def test_schedule_depends_on_the_seed_only():
    assert schedule(7, 300) == schedule(7, 300)
    assert schedule(7, 300) != schedule(8, 300)


def test_long_round_has_every_kind_of_fault_and_hits_every_service():
    faults = schedule(7, 600)
    kinds = Counter(fault.kind for fault in faults)
    assert set(kinds) >= {"kill", "freeze", "terminate", "clock", "kill kafka", "full disk", "hostile", "forget"}
    for kind in ("kill", "freeze", "terminate", "clock"):
        assert {fault.target for fault in faults if fault.kind == kind} == set(SERVICES)
    assert all(before.at < after.at for before, after in pairwise(faults))
    assert not [fault for fault in schedule(7, 600, ("full disk",)) if fault.kind == "full disk"]

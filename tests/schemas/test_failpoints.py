"""Failpoints: nothing without arming, exactly once at the place and time that was named."""

import subprocess
import sys

import pytest

from schemas.failpoints import FAILPOINTS, FailpointReached, arm, failpoint


@pytest.fixture(autouse=True)
def disarmed():
    yield
    arm("")


def test_nothing_happens_unless_armed():
    for stage, points in FAILPOINTS.items():
        for point in points:
            failpoint(f"{stage}.{point}")


def test_it_happens_at_the_named_place_and_time_only():
    arm("dedupe.after_commit:2:raise")
    failpoint("dedupe.after_send")
    failpoint("dedupe.after_commit")
    with pytest.raises(FailpointReached, match=r"dedupe\.after_commit"):
        failpoint("dedupe.after_commit")
    failpoint("dedupe.after_commit")


def test_killing_is_the_default():
    code = "from schemas.failpoints import arm, failpoint; arm('index.after_poll'); failpoint('index.after_poll')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9


@pytest.mark.parametrize(
    "wrong",
    ["dedupe", "dedupe.after_lunch", "dedupe.after_take:0", "dedupe.after_take:x", "dedupe.after_take:1:explode"],
)
def test_misspelt_failpoint_is_refused(wrong):
    with pytest.raises(ValueError, match="failpoint"):
        arm(wrong)

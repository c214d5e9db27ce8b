"""The table's command: three of its schedules on the real servers, and the table itself. All: `make protections`."""

from pathlib import Path

import pytest

from deploy.stack.local_stack import LocalStack
from tests.faults.protection_list import PROTECTIONS, Protection
from tests.faults.protections import Verdict, row, simulated, tried, with_table
from tests.faults.removals import REMOVALS

NAMED = {protection.name: protection for protection in PROTECTIONS}


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("name", ["read-committed-state", "offset-rule", "version-guard"])
def test_protection_is_needed_and_enough(stack: LocalStack, tmp_path: Path, name: str):
    verdict = tried(stack, NAMED[name], tmp_path)
    assert verdict.with_it == ()
    assert verdict.without_it


def test_every_protection_can_be_taken_away_by_its_name():
    on_servers = [protection for protection in PROTECTIONS if not protection.simulated]
    assert {protection.removal or protection.name for protection in on_servers} == set(REMOVALS)
    assert len(NAMED) == len(PROTECTIONS)


@pytest.mark.parametrize("chosen", [p for p in PROTECTIONS if p.simulated], ids=lambda chosen: chosen.name)
def test_simulated_protection_is_needed_and_enough(chosen: Protection):
    assert simulated(chosen).shown


def test_row_says_what_goes_wrong_or_that_nothing_does():
    chosen = NAMED["fencing"]
    needed = Verdict(chosen, (), ("1f3a0c22: revision 2 is on articles.unique twice",))
    assert row(needed).endswith("| revision 2 is on articles.unique twice |")
    assert row(Verdict(chosen, (), ())).endswith("| **nothing fails** |")
    assert row(Verdict(chosen, ("dedupe has not committed 3 records",), ())).endswith(
        "| **fails also with it: dedupe has not committed 3 records** |"
    )


def test_table_replaces_what_is_between_the_markers():
    document = "vor\n<!-- protections:begin -->\nalt\n<!-- protections:end -->\nnach\n"
    made = with_table(document, ["| a | b | c | d |"])
    assert "alt" not in made
    assert made.startswith("vor\n<!-- protections:begin -->\n| protection |")
    assert made.endswith("| a | b | c | d |\n<!-- protections:end -->\nnach\n")
    with pytest.raises(ValueError, match="protections:begin"):
        with_table("nothing", [])

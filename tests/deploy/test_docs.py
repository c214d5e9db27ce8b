"""Documents that must not rot: every slug explained, every command in the README one that exists."""

import re
from pathlib import Path

import pytest
import typer.main

from deploy.cli import app
from schemas.reasons import DEAD_LETTER_REASONS, DISPOSITIONS

ROOT = Path(__file__).parents[2]
COMMANDS = set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("slug", [*DISPOSITIONS, *DEAD_LETTER_REASONS])
def test_slug_is_explained(slug: str):
    assert f"`{slug}`" in (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def test_commands_that_the_readme_shows_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^(?:\.venv/bin/)?kiosque (\w+)", text, re.MULTILINE))
    assert shown >= {"up", "search", "inspect", "status"}
    assert shown <= COMMANDS


def test_links_of_the_documents_lead_somewhere():
    for document in [ROOT / "README.md", ROOT / "ARCHITECTURE.md"]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            assert target.startswith("http") or (document.parent / target).exists(), target


def test_decisions_are_short():
    for decision in (ROOT / "docs" / "decisions").glob("*.md"):
        assert len(decision.read_text(encoding="utf-8").splitlines()) <= 40, decision.name

"""What a person meets who gives `kiosque replay` something that cannot be done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NO_KAFKA = "127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param([], 2, "nothing is chosen to be labelled anew", id="nothing"),
        pytest.param(["--all", "--publisher", "x.example"], 2, "exclude each other", id="all and less"),
        pytest.param(["--all", "--resume"], 2, "a resumed run keeps its choice", id="new and resumed"),
        pytest.param(["--abandon", "--list"], 2, "exclude each other", id="two at once"),
        pytest.param(["--article", "cantine"], 2, "is not the address of an article", id="no URL"),
        pytest.param(["--since", "2026-11-25", "--until", "2026-11-24"], 2, "exchange them", id="period"),
        pytest.param(["--all", "--rate", "0"], 2, "--rate", id="rate"),
        *(
            pytest.param([option], 4, f"no Kafka answers at {NO_KAFKA}", id=f"{option} without Kafka")
            for option in ("--all", "--resume", "--abandon", "--list")
        ),
    ],
)
def test_mistake_is_one_sentence(tmp_path: Path, arguments: list[str], code: int, sentence: str):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KIOSQUE_")}
    result = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "replay", *arguments],
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": str(ROOT), "KIOSQUE_KAFKA": NO_KAFKA},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert sentence in result.stderr.replace("\n", " ")
    assert (result.returncode, result.stdout) == (code, "")
    if "--rate" not in arguments:  # typer draws a box
        assert result.stderr.count("\n") == 1

"""`kiosque doctor` without Kafka: one sentence each."""

from pathlib import Path

import pytest

from tests.deploy.test_cli import kiosque


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param([], 2, "can only rebuild state today: call it with --rebuild-state", id="nothing asked"),
        pytest.param(["--rebuild-state", "--yes"], 4, "no Kafka answers", id="no Kafka"),
    ],
)
def test_mistake_is_one_sentence(tmp_path: Path, arguments, code, sentence):
    result = kiosque("doctor", *arguments, cwd=tmp_path, KIOSQUE_KAFKA="127.0.0.1:9")
    assert sentence in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert result.returncode == code

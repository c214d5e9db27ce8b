"""`kiosque dead` without Kafka: every mistake is one sentence."""

from pathlib import Path

import pytest

from tests.deploy.test_cli import kiosque

NO_KAFKA = {"KIOSQUE_KAFKA": "127.0.0.1:9"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param(["replay"], 2, "no letter is chosen: give ids, a filter, or --everything", id="nothing chosen"),
        pytest.param(["drop", "--yes"], 2, "no letter is chosen", id="nothing chosen to drop"),
        pytest.param(["drop", "--everything", "--stage", "index"], 2, "--everything goes with no id", id="both"),
        pytest.param(["show", "12"], 2, "'12' is not PARTITION:OFFSET", id="no id"),
        pytest.param(["list", "--reason", "wrong"], 2, "there is no reason 'wrong'", id="no reason"),
        pytest.param(["list", "--url", "cantine"], 2, "give the article's whole address", id="no address"),
        pytest.param(["list"], 4, "no Kafka answers", id="list without Kafka"),
        pytest.param(["show", "0:1"], 4, "no Kafka answers", id="show without Kafka"),
        pytest.param(["replay", "0:1", "--yes"], 4, "no Kafka answers", id="replay without Kafka"),
        pytest.param(["drop", "0:1", "--yes"], 4, "no Kafka answers", id="drop without Kafka"),
    ],
)
def test_mistake_is_one_sentence(tmp_path: Path, arguments, code, sentence):
    result = kiosque("dead", *arguments, cwd=tmp_path, **NO_KAFKA)
    assert sentence in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert result.returncode == code

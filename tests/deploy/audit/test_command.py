"""`kiosque audit` without servers: every absence is one sentence with its exit code."""

from pathlib import Path

import pytest

from tests.deploy.test_cli import kiosque

NO_SERVERS = {"KIOSQUE_KAFKA": "127.0.0.1:9", "KIOSQUE_ELASTICSEARCH": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        pytest.param([], 4, "or look at Kafka alone with --no-index.", id="no Elasticsearch"),
        pytest.param(["--no-index"], 4, "no Kafka answers at 127.0.0.1:9", id="no Kafka"),
        pytest.param(["--scratch", "absent"], 2, "give one that can be written (--scratch).", id="no folder"),
    ],
)
def test_absence_is_one_sentence(tmp_path: Path, arguments, code, sentence):
    result = kiosque("audit", *arguments, cwd=tmp_path, **NO_SERVERS)
    assert sentence in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert result.returncode == code

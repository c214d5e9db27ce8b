"""`kiosque forget` without Kafka: every mistake is one sentence."""

from pathlib import Path

import pytest

from tests.deploy.test_cli import kiosque

NO_SERVERS = {"KIOSQUE_KAFKA": "127.0.0.1:9", "KIOSQUE_ELASTICSEARCH": "http://127.0.0.1:9"}
URL = "http://www.phare-ouest.example/cantine.html"


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "sentence"),
    [
        pytest.param(["--yes"], {}, 2, "nothing is to be forgotten: name addresses", id="nothing"),
        pytest.param(["cantine", "--yes"], {}, 2, "'cantine' is no address of an article", id="no address"),
        pytest.param(["--prefix", "http://x.example/a/amp", "-y"], {}, 2, "is not how canonical", id="no prefix"),
        pytest.param(["--publisher", "a b", "-y"], {}, 2, "'a b' is no publisher's id", id="no publisher"),
        pytest.param([URL, "--reason", "because", "-y"], {}, 2, "because", id="no reason"),
        pytest.param([URL], {}, 2, "nobody is there to be asked: repeat it with --yes", id="nobody to ask"),
        pytest.param([URL, "--yes"], {}, 4, "no Kafka answers at 127.0.0.1:9", id="no Kafka"),
        pytest.param([URL, "-y"], {"KIOSQUE_FAILPOINT": "forget.x"}, 2, "KIOSQUE_FAILPOINT", id="no failpoint"),
    ],
)
def test_mistake_is_one_sentence(tmp_path: Path, arguments, environment, code, sentence):
    result = kiosque("forget", *arguments, cwd=tmp_path, **{**NO_SERVERS, **environment})
    assert sentence in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert result.returncode == code

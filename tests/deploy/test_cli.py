"""The command line as a person meets it: help, exit codes, one sentence for each mistake, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (
    *("demo", "up", "newsstand", "search", "inspect", "setup", "status", "config"),
    *("poll", "dedupe", "enrich", "reenrich", "cluster", "index"),
    *("dead", "replay", "forget", "audit", "doctor", "bench"),
)


def kiosque(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KIOSQUE_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_version(tmp_path: Path):
    assert kiosque("--version", cwd=tmp_path).stdout == "kiosque 0.1.0\n"


def test_help_names_every_command(tmp_path: Path):
    text = kiosque("--help", cwd=tmp_path).stdout
    for command in COMMANDS:
        assert f" {command} " in text, command


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "sentence"),
    [
        pytest.param(["up", "--feeds", "absent.toml"], {}, 2, "absent.toml cannot be read", id="unknown feed file"),
        pytest.param(["up", "--feeds", "bad.toml"], {}, 2, "bad.toml", id="malformed feed file"),
        pytest.param(["up", "--feeds", "good.toml"], {}, 2, "--contact you@example.org", id="no contact"),
        pytest.param(["config"], {"KIOSQUE_ENRICH_WORKERS": "x"}, 2, "enrich_workers is wrong", id="malformed setting"),
        pytest.param(
            ["config"], {"KIOSQUE_NONSENSE": "x"}, 2, "unknown setting KIOSQUE_NONSENSE", id="unknown setting"
        ),
        pytest.param(["up", "--kafka-port", "0"], {}, 2, "--kafka-port", id="impossible port"),
        pytest.param(
            ["search", "x"],
            {"KIOSQUE_ELASTICSEARCH": "http://127.0.0.1:9"},
            4,
            "no Elasticsearch answers",
            id="no index",
        ),
        pytest.param(["status"], {"KIOSQUE_KAFKA": "127.0.0.1:9"}, 4, "no Kafka answers", id="no Kafka"),
        pytest.param(["inspect", "text", "--list", "absent"], {}, 2, "the list absent cannot be read", id="no list"),
        pytest.param(["inspect", "page"], {}, 2, "nothing to inspect", id="no input"),
    ],
)
def test_mistake_is_one_sentence(tmp_path: Path, arguments, environment, code, sentence):
    (tmp_path / "bad.toml").write_text("[[publisher]]\nid = 1\n")
    (tmp_path / "good.toml").write_text(
        '[[publisher]]\nid = "lecadran.example"\nname = "Le Cadran"\nkind = "national"\ncountry = "FR"\n'
        'language = "fr"\n[[publisher.feed]]\nurl = "https://www.lecadran.example/une.xml"\nsection = ""\n'
    )
    result = kiosque(*arguments, cwd=tmp_path, **environment)
    assert sentence in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr
    assert result.returncode == code


def test_inspect_goes_on_after_an_input_that_fails(tmp_path: Path):
    feed = (
        '<rss version="2.0"><channel><title>Le Cadran</title><item><title>Un titre</title>'
        "<link>http://www.lecadran.example/a.html?utm_source=rss</link></item></channel></rss>"
    )
    (tmp_path / "feed.xml").write_text(feed)
    result = kiosque("inspect", "feed", "absent.xml", "feed.xml", cwd=tmp_path)
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert result.returncode == 1
    assert "absent.xml" in first["error"]
    assert second["entries"][0]["url"] == "http://www.lecadran.example/a.html"


def test_config_lists_every_setting_and_hides_secrets(tmp_path: Path):
    result = kiosque("config", cwd=tmp_path, KIOSQUE_ELASTICSEARCH_PASSWORD="tres-secret", KIOSQUE_KAFKA="k:1")
    assert "kafka = k:1\n" in result.stdout
    assert "tres-secret" not in result.stdout
    assert "topic_prefix =   (default)" in result.stdout

"""Settings: where they come from, what goes before what, and what is refused."""

from pathlib import Path

import pytest

from deploy.errors import UserError
from deploy.settings import Settings, as_environment, load_settings


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_listen_on_this_machine_only():
    settings = load_settings({})
    assert (settings.kafka, settings.elasticsearch) == ("127.0.0.1:9092", "http://127.0.0.1:9200")
    assert settings.monitoring_host == "127.0.0.1"


def test_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch):
    Path("kiosque.toml").write_text('kafka = "file:1"\ntopic_prefix = "file."\n')
    monkeypatch.setenv("KIOSQUE_KAFKA", "environment:1")
    settings = load_settings()
    assert (settings.kafka, settings.topic_prefix) == ("environment:1", "file.")


def test_file_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "other.toml").write_text('contact = "redaction@example.org"\n')
    monkeypatch.setenv("KIOSQUE_CONFIG", str(tmp_path / "other.toml"))
    assert load_settings().contact == "redaction@example.org"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param('kafak = "x"', "unknown setting 'kafak': did you mean 'kafka'?", id="misspelt"),
        pytest.param("zzz = 1", "unknown setting 'zzz': remove it", id="like nothing"),
        pytest.param("enrich_workers = 0", "the setting enrich_workers is wrong", id="out of range"),
        pytest.param('enrich_workers = "many"', "the setting enrich_workers is wrong", id="not a number"),
        pytest.param("kafka =", "is not TOML", id="not TOML"),
        pytest.param("[connect_to]\nhost = 1", "the setting connect_to.host is wrong", id="wrong inside a table"),
    ],
)
def test_wrong_file_is_one_sentence(text: str, sentence: str):
    Path("kiosque.toml").write_text(text)
    with pytest.raises(UserError) as caught:
        load_settings({})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_named_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        load_settings({}, tmp_path / "absent.toml")


def test_misspelt_variable_is_refused():
    with pytest.raises(UserError, match="KIOSQUE_KAFAK: did you mean 'kafka'"):
        load_settings({"KIOSQUE_KAFAK": "x"})


def test_variable_that_is_not_json_is_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KIOSQUE_CONNECT_TO", "{not json")
    with pytest.raises(UserError, match="write it as JSON"):
        load_settings()


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KIOSQUE_ELASTICSEARCH_API_KEY", "very-secret")
    assert "very-secret" not in repr(load_settings())


def test_settings_survive_the_way_through_an_environment(monkeypatch: pytest.MonkeyPatch):
    given = {
        "kafka": "a:1,b:2",
        "connect_to": {"www.lecadran.example": "127.0.0.1:8640"},
        "min_interval_seconds": 2.5,
        "feeds_file": Path("/tmp/feeds.toml"),
        "enrich_workers": 3,
        "contact": None,
        "log_format": "json",
    }
    for name, value in as_environment(given).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert {name: getattr(settings, name) for name in given} == given


def test_every_setting_says_what_it_is():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []

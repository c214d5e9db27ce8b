"""Every setting of Kiosque: name, default, unit, meaning. Read from kiosque.toml, then KIOSQUE_… environment.

The environment goes before the file, and options on a command line go before both. Names end in their unit. An unknown
key is refused with the nearest known one: a misspelt setting must never be silently without effect.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from deploy.errors import UserError

ENV_PREFIX: Final = "KIOSQUE_"
CONFIG_ENV: Final = "KIOSQUE_CONFIG"
FAILPOINT_ENV: Final = "KIOSQUE_FAILPOINT"
OTHER_VARIABLES: Final = frozenset(
    {CONFIG_ENV, FAILPOINT_ENV, "KIOSQUE_CACHE_DIR", "KIOSQUE_MAVEN_MIRROR", "KIOSQUE_CORPUS"}
)
"""Variables that begin like settings and are none: they say where things are before there are settings."""


class Settings(BaseSettings):
    """The one typed model."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, comma-separated")
    topic_prefix: str = Field("", description="put before every Kafka topic and consumer group name")
    elasticsearch: str = Field("http://127.0.0.1:9200", description="Elasticsearch URL")
    elasticsearch_api_key: SecretStr | None = Field(None, description="API key, encoded form")
    elasticsearch_username: str | None = Field(None, description="user name, together with the password")
    elasticsearch_password: SecretStr | None = Field(None, description="password")
    elasticsearch_ca_file: Path | None = Field(None, description="certificate authority of Elasticsearch, PEM")
    index_prefix: str = Field("kiosque", description="first part of every index name")
    refresh_interval_seconds: float = Field(5.0, gt=0, description="after which indexed articles can be found")

    contact: str | None = Field(None, description="e-mail or URL told to every publisher; needed to poll real hosts")
    feeds_file: Path | None = Field(
        None, description="feed list (TOML, OPML or one URL a line); none: the shipped list"
    )
    connect_to: dict[str, str] = Field({}, description="host -> ADDRESS:PORT to connect to instead of what DNS says")
    min_interval_seconds: float = Field(300.0, gt=0, description="shortest time between two polls of one feed")
    max_interval_seconds: float = Field(6 * 3600.0, gt=0, description="longest time between two polls of one feed")
    first_run_hours: float = Field(48.0, ge=0, description="at first sight of a feed, older entries are only noted")
    host_delay_seconds: float = Field(1.0, ge=0, description="pause between two requests to one host")
    page_concurrency: int = Field(16, ge=1, description="pages being fetched at once, over all hosts")
    extract_workers: int = Field(1, ge=1, description="processes that parse feeds and extract texts")
    rights_basis: Literal["art4", "research", "licence"] = Field(
        "art4", description="on what ground texts are kept: art4 drops those whose publisher reserves text mining"
    )

    enrich_workers: int = Field(1, ge=1, description="processes that hold the language model, about 450 MB each")
    story_window_hours: float = Field(72.0, gt=0, description="how long an article can found or join a story")

    dead_letter_limit: int = Field(100, ge=1, description="dead letters in a row after which a stage pauses")
    probe_seconds: float = Field(30.0, gt=0, description="a paused stage tries one message after each such time")
    session_timeout_seconds: float = Field(10.0, ge=1, description="a silent worker's partitions then go to others")
    watchdog_seconds: float = Field(120.0, gt=0, description="a service whose loop stands still so long ends itself")

    data_dir: Path = Field(Path("kiosque-data"), description="where the local stack keeps everything")
    java: Path | None = Field(None, description="Java for the local servers; none: look for one")
    elasticsearch_home: Path | None = Field(None, description="folder of an unpacked Elasticsearch; none: fetch one")
    kafka_port: int | None = Field(None, ge=1, le=65535, description="port of the local Kafka; none: a free one")
    elasticsearch_port: int | None = Field(None, ge=1, le=65535, description="port of the local one; none: a free one")

    monitoring_host: str = Field("127.0.0.1", description="address of /metrics and /health of each service")
    monitoring_port: int | None = Field(None, ge=0, le=65535, description="their port; none: not served, 0: a free one")
    log_format: Literal["human", "json"] = Field("human", description="how services write their log")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least serious line logged")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment, then what `load_settings` passes in from the file."""
        return (env_settings, init_settings)


def load_settings(environment: Mapping[str, str] | None = None, config_file: Path | None = None) -> Settings:
    """The effective settings.

    Args:
        environment: for looking up unknown variables and the file; the process's own if None.
        config_file: None for the one that KIOSQUE_CONFIG names, or kiosque.toml in the working directory if there.

    Raises:
        UserError: a file that is missing or no TOML, an unknown key, a value that does not fit.
    """
    variables = os.environ if environment is None else environment
    path, values = _file_values(variables, config_file)
    for key in values:
        if key not in Settings.model_fields:
            raise UserError(f"{path} has an unknown setting {key!r}", _suggestion(key))
    for variable in variables:
        name = variable.removeprefix(ENV_PREFIX).lower()
        if variable.startswith(ENV_PREFIX) and variable not in OTHER_VARIABLES and name not in Settings.model_fields:
            raise UserError(f"the environment has an unknown setting {variable}", _suggestion(name))
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"the setting {where} is wrong: {first['msg']}", _advice(where)) from error
    except ValueError as error:  # a complex variable that is not JSON
        raise UserError(f"a setting in the environment cannot be read: {error}", "write it as JSON") from error


def _file_values(variables: Mapping[str, str], config_file: Path | None) -> tuple[Path, dict[str, Any]]:
    named = config_file or (Path(variables[CONFIG_ENV]) if variables.get(CONFIG_ENV) else None)
    path = named or Path("kiosque.toml")
    if named is None and not path.exists():
        return path, {}
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"the settings file {path} cannot be read ({error.strerror})", "name one that can") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the settings file {path} is not TOML ({error})", "correct it") from error


def _suggestion(key: str) -> str:
    near = difflib.get_close_matches(key, Settings.model_fields, n=1)
    return f"did you mean {near[0]!r}? remove it or rename it" if near else "remove it; `kiosque config` lists them all"


def _advice(key: str) -> str:
    field = Settings.model_fields.get(key.partition(".")[0])
    meaning = f" ({field.description})" if field else ""
    return f"correct it in kiosque.toml or in {ENV_PREFIX}{key.upper()}{meaning}"


def as_environment(values: Mapping[str, object]) -> dict[str, str]:
    """Settings as the variables that give them to another process; None values are left out."""
    return {
        ENV_PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value, default=str).strip('"')
        for name, value in values.items()
        if value is not None
    }

"""Preparing servers that are there already, and looking at a running system: `setup`, `status`, `config`."""

from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from deploy.settings import ENV_PREFIX, Settings, load_settings

PANEL = "Administration"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL)(setup)
    app.command(rich_help_panel=PANEL)(status)
    app.command(rich_help_panel=PANEL)(config)


def setup(
    replication_factor: Annotated[int, typer.Option(min=1, help="Copies of each Kafka partition.")] = 1,
) -> None:
    """Create Kafka topics and Elasticsearch indices on the servers of the settings; safe to repeat."""
    from deploy.server_setup import prepare_servers

    settings = load_settings()
    report = prepare_servers(settings, replication_factor)
    typer.echo(f"Kafka {settings.kafka}: {len(report.created)} topics created, {len(report.existing)} were there.")
    typer.echo(f"Elasticsearch {settings.elasticsearch}: templates, indices and alias are in place.")


def status() -> None:
    """How much went through, what became of it, and how far each stage is behind."""
    from deploy.index_access import open_index
    from deploy.lag import stage_lags
    from deploy.status_text import status_text
    from sinks.lookups import index_counts

    settings = load_settings()
    lags = stage_lags(settings.kafka, settings.topic_prefix)
    with open_index(settings) as client:
        counts = index_counts(client, index_prefix=settings.index_prefix)
    console = Console(highlight=False, soft_wrap=True)
    for part in status_text(lags, counts):
        console.print(part)


def config() -> None:
    """List every setting with its effective value; secrets are not shown."""
    settings = load_settings()
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "(secret)" if isinstance(value, SecretStr) else value
        origin = "" if name in settings.model_fields_set else "  (default)"
        typer.echo(f"{name} = {shown!s}{origin}\n    {field.description}; {ENV_PREFIX}{name.upper()}")

"""`kiosque doctor`: mend what cannot mend itself. Today that is the state of dedupe and cluster."""

import sys
from typing import Annotated

import typer

from deploy.errors import UserError
from deploy.settings import load_settings

PANEL = "Administration"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(doctor)


def doctor(
    rebuild_state: Annotated[
        bool, typer.Option("--rebuild-state", help="Make the state topics of dedupe and cluster again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Mend what cannot mend itself: with --rebuild-state, the state topics after they were lost or damaged.

    They are made again from articles.enriched, articles.unique and articles.fetched. What can still be read in them and
    is not behind stays as it is; what cannot be read and nobody else knows is forgotten. dedupe and cluster must be
    stopped, all others may go on.
    """
    if not rebuild_state:
        raise UserError("`kiosque doctor` can only rebuild state today", "call it with --rebuild-state")
    from deploy.rebuild import rebuild_state as rebuild
    from deploy.rebuild import require_stopped
    from processors.options import ProcessorOptions

    settings = load_settings()
    options = ProcessorOptions(
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        session_timeout_seconds=settings.session_timeout_seconds,
        story_window_seconds=settings.story_window_hours * 3600,
    )
    require_stopped(options)
    prefix = settings.topic_prefix
    typer.echo(f"To be rebuilt on Kafka {settings.kafka}: {prefix}state.dedupe and {prefix}state.cluster.", err=True)
    if not yes:
        if not sys.stdin.isatty():
            raise UserError("nobody is there to be asked", "repeat it with --yes if that is meant")
        typer.confirm("Go on?", abort=True, err=True)
    for done in rebuild(options, lambda line: typer.echo(line, err=True)):
        typer.echo(
            f"{prefix}{done.kafka_topic}: {done.written} written, {done.kept} kept, {done.tombstoned} tombstoned."
        )

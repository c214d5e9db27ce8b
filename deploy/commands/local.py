"""The whole system on this machine: `up` stays, `demo` ends by itself, `newsstand` is the demo's press."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from deploy.errors import UserError
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.pipeline import Pipeline

PANEL = "On this machine"

DataDir = Annotated[Path | None, typer.Option(help="Where everything is kept.", show_default="kiosque-data")]
KafkaPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the local Kafka; a free one if left out.")
]
ElasticsearchPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the local Elasticsearch; a free one if left out.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=PANEL)(demo)
    app.command(rich_help_panel=PANEL)(up)
    app.command(rich_help_panel=PANEL)(newsstand)


def up(
    feeds: Annotated[
        Path | None,
        typer.Option(help="Poll this feed list (TOML, OPML or one URL a line) instead of the built-in newsstand."),
    ] = None,
    contact: Annotated[
        str | None, typer.Option(help="Your e-mail or web address, told to every publisher; needed with --feeds.")
    ] = None,
    data_dir: DataDir = None,
    kafka_port: KafkaPort = None,
    elasticsearch_port: ElasticsearchPort = None,
) -> None:
    """Run everything here until Ctrl-C: real Kafka, real Elasticsearch, all services.

    Without --feeds it reads the newsstand, a small press invented for trying Kiosque out. The local servers are for one
    machine: they listen on 127.0.0.1 only and have no passwords.
    """
    from deploy.pipeline import Pipeline

    feeds_file = feeds or load_settings().feeds_file
    if feeds_file is not None:
        _check_feeds(feeds_file, contact or load_settings().contact)
    settings = _local_settings(
        data_dir=data_dir,
        kafka_port=kafka_port,
        elasticsearch_port=elasticsearch_port,
        feeds_file=feeds_file.absolute() if feeds_file else None,
        contact=contact,
    )
    console = Console(soft_wrap=True, highlight=False)
    _interrupt_on_sigterm()
    with Pipeline(settings, with_newsstand=feeds_file is None, report=_reporter(console)) as pipeline:
        try:
            _watch(pipeline, console)
        except KeyboardInterrupt:
            console.print("Stopping: what is under way is finished first.")
    console.print("Stopped. Everything is kept; the same command goes on where this one ended.")


def demo(
    data_dir: DataDir = None,
    kafka_port: KafkaPort = None,
    elasticsearch_port: ElasticsearchPort = None,
    timeout_seconds: Annotated[float, typer.Option(help="Give up after this long.")] = 300.0,
) -> None:
    """Watch invented press go through the real pipeline, search it, and stop; exit 0 if all went as it should.

    Starts a real Kafka, a real Elasticsearch and all services on an empty data directory.
    """
    from deploy.demo import run_demo

    settings = _local_settings(data_dir=data_dir, kafka_port=kafka_port, elasticsearch_port=elasticsearch_port)
    console = Console(soft_wrap=True, highlight=False)
    _interrupt_on_sigterm()
    if not run_demo(settings, console, keep_data=data_dir is not None, timeout_seconds=timeout_seconds):
        raise typer.Exit(1)


def newsstand(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 8640,
    state_file: Annotated[
        Path | None, typer.Option(help="Remember the opening and what was read, over restarts.")
    ] = None,
) -> None:
    """Serve the newsstand: invented French publishers, their feeds and pages."""
    from deploy.newsstand import Newsstand, serve

    def say(stand: Newsstand) -> None:
        typer.echo(f"The newsstand is open: {stand.base_url} (Ctrl-C closes it)")

    serve("127.0.0.1", port, state_file, ready=say)


def _watch(pipeline: "Pipeline", console: Console) -> None:
    """Say where everything is, then tell what becomes searchable until Ctrl-C."""
    from deploy.board import Board
    from deploy.index_access import open_index

    where = pipeline.addresses
    console.print(f"Kafka          {where.kafka}")
    console.print(f"Elasticsearch  {where.elasticsearch}   (index alias kiosque-articles)")
    if where.newsstand:
        console.print(f"Newsstand      {where.newsstand}   (an invented press, for trying things out)")
    console.print(f"Logs           {where.logs}")
    console.print(f'Search         KIOSQUE_ELASTICSEARCH={where.elasticsearch} kiosque search "…"')
    console.print("These servers are for this machine, not for the internet. Ctrl-C stops everything.")
    with open_index(pipeline.settings) as client:
        Board(pipeline.settings, client, console).show_for_ever()


def _reporter(console: Console) -> Callable[[str], None]:
    def report(line: str) -> None:
        console.print(line, style="dim", markup=False)

    return report


def _interrupt_on_sigterm() -> None:
    """SIGTERM ends like Ctrl-C: everything is stopped in order."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _local_settings(**given: object) -> Settings:
    settings = load_settings()
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def _check_feeds(feeds_file: Path, contact: str | None) -> None:
    from producers.catalogue import load_catalogue
    from producers.errors import ProducerError

    try:
        load_catalogue(feeds_file.read_text(encoding="utf-8"), feeds_file.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"the feed list {feeds_file} cannot be read ({reason})", "name a file that exists") from error
    except ProducerError as error:
        raise UserError(error.problem, error.advice) from error
    if not contact:
        raise UserError("publishers are not polled by strangers", "say who you are with --contact you@example.org")

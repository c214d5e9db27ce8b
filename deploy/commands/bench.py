"""`kiosque bench`: how fast the stages are on this machine, beside what only copies."""

import logging
from typing import Annotated, Literal

import typer
from rich.console import Console

PANEL = "Administration"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(bench)


def bench(
    stage: Annotated[Literal["dedupe", "cluster"], typer.Argument(help="Which stage.")],
    messages: Annotated[int, typer.Option(min=1000, help="Messages in each repetition.")] = 30_000,
    repetitions: Annotated[int, typer.Option(min=1, help="After one that warms up.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the invented load.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure a stage on a real Kafka of its own, with every protection on, beside a plain copying loop."""
    import msgspec

    from deploy.bench.stages import bench_stage
    from deploy.bench.summary import table

    logging.getLogger("kafka").setLevel(logging.ERROR)  # of loading on a busy machine it would warn all the time
    console = Console(stderr=True, highlight=False)
    found = bench_stage(
        stage,
        messages=messages,
        repetitions=repetitions,
        seed=seed,
        report=lambda line: console.print(line, style="dim"),
    )
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        Console(highlight=False).print(table(found))

"""`kiosque`: one command line for people and for services. Parses, calls, and turns errors into one sentence.

Command modules import the rooms inside their functions: `kiosque --help` must not wait for a language model.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console

from deploy.commands import audit, bench, dead, doctor, forget, inspect, local, replay, search, services, setup
from deploy.errors import UserError
from deploy.telemetry import configure_logging

app = typer.Typer(
    name="kiosque",
    help="The French press as a stream: feeds to full text to labels to search, on Kafka and Elasticsearch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
local.register(app)
search.register(app)
inspect.register(app)
setup.register(app)
services.register(app)
for operating in (dead, replay, forget, audit, doctor, bench):
    operating.register(app)


def _show_version(wanted: bool) -> None:  # typer calls it with the option's value
    if wanted:
        typer.echo(f"kiosque {version('kiosque')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which release this is.")
    ] = False,
) -> None:
    """Settings come from kiosque.toml and KIOSQUE_…, see `kiosque config`."""
    configure_logging("human", "warning")  # services set their own


def main() -> None:
    """Run the command line; a person's mistake is one sentence on standard error and its own exit code."""
    try:
        app()
    except UserError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(str(error), style="bold red", markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)  # `kiosque search … | head`


if __name__ == "__main__":
    main()

"""`kiosque inspect`: what the pipeline makes of one input, as one line of JSON each. No server needed.

    inspect url URL…                 {"url", "canonical", "id"}
    inspect feed FILE_OR_URL…        {"feed": {…}, "entries": […], "problems": […]}
    inspect page FILE_OR_URL…        {"url", "title", "standfirst", "text", …, "access", "rights", "problems"}
    inspect text FILE_OR_-…          {"language", "entities", "places", "topics", …}

Stable: people and tests may rely on the keys (README). Many inputs cost one start-up; an input that fails gives a line
{"error": …}, the others go on, and the exit code is 1.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

PANEL = "Search"
Inputs = Annotated[
    list[str] | None, typer.Argument(help="Files (also .gz) or addresses, in order.", show_default=False)
]
ListFile = Annotated[
    Path | None,
    typer.Option("--list", help='JSON lines {"file", "url", "title", "content_type"}, what applies.'),
]
Url = Annotated[str | None, typer.Option(help="The address that a file came from.")]

inspect = typer.Typer(no_args_is_help=True, help="Show what the pipeline makes of one input, as JSON lines.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(inspect, name="inspect", rich_help_panel=PANEL)


@inspect.command()
def url(urls: Inputs = None, list_file: ListFile = None) -> None:
    """Canonical address and article id."""
    from deploy.inspection import inputs_of
    from producers.inspection import inspect_url

    _show(inputs_of(urls, list_file), lambda given: inspect_url(given.url or given.name))


@inspect.command()
def feed(
    sources: Inputs = None,
    url: Url = None,
    content_type: Annotated[str | None, typer.Option(help="Content-Type that a file was served with.")] = None,
    list_file: ListFile = None,
) -> None:
    """Title, language, format and entries of a feed (RSS, Atom)."""
    from deploy.clock import utc_now
    from deploy.inspection import Source, inputs_of, read_source
    from producers.inspection import inspect_feed

    def one(given: Source) -> dict[str, Any]:
        read = read_source(given)
        return inspect_feed(read.data, url=read.url, content_type=read.headers.get("content-type"), now=utc_now())

    _show(inputs_of(sources, list_file, url=url, content_type=content_type), one)


@inspect.command()
def page(
    sources: Inputs = None,
    url: Url = None,
    content_type: Annotated[str | None, typer.Option(help="Content-Type that a file was served with.")] = None,
    list_file: ListFile = None,
) -> None:
    """Title, text, dates, access and rights of an article's page."""
    from deploy.inspection import NO_ADDRESS, Source, inputs_of, read_source
    from producers.inspection import inspect_page

    def one(given: Source) -> dict[str, Any]:
        read = read_source(given)
        return inspect_page(read.data, url=read.url or NO_ADDRESS, headers=read.headers)

    _show(inputs_of(sources, list_file, url=url, content_type=content_type), one)


@inspect.command()
def text(
    sources: Inputs = None,
    title: Annotated[str | None, typer.Option(help="The article's title.")] = None,
    url: Url = None,
    list_file: ListFile = None,
) -> None:
    """Language, entities, places and topic labels of a text; - reads standard input."""
    from deploy.inspection import Source, inputs_of, read_source
    from processors.inspection import inspect_text

    def one(given: Source) -> dict[str, Any]:
        read = read_source(given)
        return inspect_text(read.data.decode("utf-8"), title=given.title or "", url=given.url or "")

    _show(inputs_of(sources, list_file, url=url, title=title), one)


def _show(sources: list[Any], one: Callable[[Any], dict[str, Any]]) -> None:
    failed = False
    for source in sources:
        try:
            result = one(source)
        except Exception as error:  # noqa: BLE001  # one input of many; the line says what it was
            result = {"error": f"{type(error).__name__}: {error}", "input": source.name}
        failed = failed or "error" in result
        typer.echo(msgspec.json.encode(result).decode())
    if failed:
        raise typer.Exit(1)

"""`kiosque search`: find articles in the terminal."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.console import Console

from deploy.settings import load_settings

PANEL = "Search"
Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(search)


def search(  # noqa: PLR0917  # typer makes options of them; only `query` is positional
    query: Annotated[str, typer.Argument(help='What to find; "words in quotes" are a phrase.')] = "",
    publisher: Annotated[str | None, typer.Option(help="Name or domain.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic label or IPTC code.")] = None,
    entity: Annotated[str | None, typer.Option(help="Person or organisation.")] = None,
    place: Annotated[str | None, typer.Option(help="Place, or code of country, département or commune.")] = None,
    since: Moment = None,
    until: Moment = None,
    access: Annotated[Literal["free", "subscriber", "unknown"] | None, typer.Option(help="Who may read it.")] = None,
    story: Annotated[str | None, typer.Option(help="A story's id: its articles one by one.")] = None,
    sort: Annotated[Literal["relevance", "newest", "oldest", "arrival"], typer.Option()] = "relevance",
    size: Annotated[int, typer.Option(min=1, max=1000, help="Hits at most.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Search the indexed articles: `kiosque search "réforme retraites" --topic politique --since 2026-11-01`.

    Accents, plurals and elisions do not matter; copies of one text are shown once, with their publishers.
    """
    import msgspec

    from deploy.hits_text import result_text
    from deploy.index_access import open_index
    from sinks.search import Search, run_search

    settings = load_settings()
    asked = Search(
        query=query,
        publisher=publisher,
        topic=topic,
        entity=entity,
        place=place,
        since=_aware(since),
        until=_aware(until),
        access=access,
        story=story,
        sort=sort,
        size=size,
    )
    with open_index(settings) as client:
        result = run_search(client, asked, index_prefix=settings.index_prefix)
    if as_json:
        for hit in result.hits:
            typer.echo(msgspec.json.encode(hit).decode())
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in result_text(result):
        console.print(line)


def _aware(moment: datetime | None) -> datetime | None:
    """A moment as typed is the machine's local time."""
    return moment.astimezone(UTC) if moment else None

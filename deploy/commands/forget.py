"""`kiosque forget`: articles that must go and stay away.

Exit codes: 0 done, 1 the index still holds some after `--wait`, 2 wrong input, 4 a server does not answer.
"""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
import typer

from deploy.errors import ServerAbsent, UserError
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.forget.targets import Concerned, Targets
    from schemas.withdrawals import WithdrawalOrder

PANEL = "Administration"
_LOOK_SECONDS: Final = 0.5

Urls = Annotated[list[str] | None, typer.Argument(help="Addresses of articles.", show_default=False)]
Prefixes = Annotated[
    list[str] | None, typer.Option("--prefix", help="Everything whose canonical address begins so.", show_default=False)
]
Publishers = Annotated[
    list[str] | None, typer.Option("--publisher", help="Everything of a publisher, by its id.", show_default=False)
]
Why = Annotated[Literal["forgotten", "withdrawn_by_publisher"], typer.Option("--reason", help="Kept with the order.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until the index holds none of it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(forget)


def forget(  # typer makes options of them; only the addresses are positional
    urls: Urls = None,
    prefixes: Prefixes = None,
    publishers: Publishers = None,
    reason: Why = "forgotten",
    wait: Wait = 0,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete articles everywhere and keep them away, also when they are announced again.

    Writes orders that every stage obeys for good, and withdraws what is known: document, revisions and trace. Says
    where text remains and until when. Interrupted, or run twice, it does no harm.
    """
    from deploy.clock import utc_now
    from deploy.failpoints import arm_failpoint
    from deploy.forget import operation, text
    from deploy.forget.remains import remains
    from deploy.forget.sightings import Sightings
    from deploy.forget.targets import targets
    from deploy.forget.writer import ForgetWriter

    arm_failpoint()
    settings = load_settings()
    asked = targets(urls or (), prefixes or (), publishers or ())
    _require_somebody(yes=yes)
    with Sightings(settings.kafka, settings.topic_prefix) as sightings:
        typer.echo(f"Looking through {sightings.held():,} records for what is known of it.", err=True)
        concerned = operation.concerned_articles(asked, sightings)
        _note_indexed(settings, asked, concerned)
        _say(text.request_lines(asked, concerned))
        if not yes:
            typer.confirm("Forget this for good?", abort=True, err=True)
        now = utc_now()
        with ForgetWriter(settings.kafka, settings.topic_prefix) as writer:
            done = operation.forget(asked, concerned, sightings, writer, reason=reason, at=now)
    left = remains(settings.topic_prefix, now)
    if not as_json:
        for line in text.result_lines(done, sightings.unreadable, left):
            typer.echo(line)
    documents = None
    try:
        documents = _documents(settings, done.orders, wait) if wait else None
    finally:  # before the sentence of an error, too: the orders are given
        if as_json:
            typer.echo(msgspec.json.encode(text.result_json(done, sightings.unreadable, left, documents)).decode())
    if documents:
        typer.echo(
            f"The index still holds {documents} documents; are dedupe, enrich, cluster and index running?", err=True
        )
        raise typer.Exit(1)


def _require_somebody(*, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise UserError("nobody is there to be asked", "repeat it with --yes if that is meant")


def _say(lines: "Iterable[str]") -> None:
    for line in lines:
        typer.echo(line, err=True)


def _note_indexed(settings: Settings, asked: "Targets", concerned: "Concerned") -> None:
    """Add what only the index knows: its trace goes back further than Kafka's."""
    from deploy.clock import utc_now
    from deploy.forget.targets import orders
    from deploy.index_access import open_index
    from sinks.coverage import covered_articles

    try:
        with open_index(settings) as client:
            for article in covered_articles(
                client, orders(asked, "forgotten", utc_now()), index_prefix=settings.index_prefix
            ):
                concerned.note_id(article)
    except ServerAbsent:
        typer.echo(
            "Elasticsearch does not answer: what only its trace still knows stays there; run this again later.",
            err=True,
        )


def _documents(settings: Settings, orders: "Sequence[WithdrawalOrder]", seconds: float) -> int:
    """How many documents the index holds of what is forgotten, once it holds none or the time is over."""
    from deploy.index_access import open_index
    from sinks.coverage import count_covered

    deadline = time.monotonic() + seconds
    with open_index(settings) as client:
        while (found := count_covered(client, orders, index_prefix=settings.index_prefix)) > 0:
            if time.monotonic() >= deadline:
                break
            time.sleep(_LOOK_SECONDS)
    return found

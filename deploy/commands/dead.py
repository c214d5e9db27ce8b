"""`kiosque dead`: messages that a stage set aside. List them, look at one, try them again, drop them.

    dead list      a table, or one JSON object a line
    dead show ID   everything about one
    dead replay    back to the input of the stage that set it aside, then closed
    dead drop      closed

Exit codes: 0 done, 1 nothing matched or a letter cannot go back, 2 wrong input, 4 Kafka does not answer.
"""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from deploy.errors import UserError
from deploy.settings import load_settings
from schemas.reasons import Stage

if TYPE_CHECKING:
    from deploy.dead_letters.letters import Letter
    from deploy.dead_letters.operations import Selection, Survey

PANEL = "Administration"
_SHOWN_LETTERS = 100
_TABLE_WIDTH = 140
"""Narrower terminals break the lines themselves: a table squeezed into 80 columns cannot be read."""

Ids = Annotated[list[str] | None, typer.Argument(help="Letters, as PARTITION:OFFSET.", show_default=False)]
OfStage = Annotated[Stage | None, typer.Option(help="Set aside by this stage.")]
Reason = Annotated[str | None, typer.Option(help="For this reason (a slug), or `unreadable`.")]
Moment = Annotated[
    datetime | None,
    typer.Option(help="When it was set aside.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
]
Article = Annotated[str | None, typer.Option(help="The record's key, an article_id.")]
Url = Annotated[str | None, typer.Option(help="The article's address.")]
Topic = Annotated[str | None, typer.Option(help="Read from this Kafka topic.")]
AlsoClosed = Annotated[bool, typer.Option("--all", help="Also letters that are closed.")]
Newest = Annotated[int | None, typer.Option(min=1, help="Only the newest so many; a table shows 100.")]
First = Annotated[int | None, typer.Option(min=1, help="At most so many, the first ones on the topic.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Everything = Annotated[bool, typer.Option("--everything", help="All open letters.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

dead = typer.Typer(no_args_is_help=True, help="Messages that were set aside: look, try again, drop.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(dead, name="dead", rich_help_panel=PANEL)


@dead.command("list")
def list_(  # noqa: PLR0917  # typer makes options of them; only the ids are positional
    ids: Ids = None,
    stage: OfStage = None,
    reason: Reason = None,
    since: Moment = None,
    until: Moment = None,
    article: Article = None,
    url: Url = None,
    topic: Topic = None,
    also_closed: AlsoClosed = False,
    limit: Newest = None,
    as_json: AsJson = False,
) -> None:
    """List open letters, the newest last, with totals by stage and reason."""
    from deploy.dead_letters.choosing import wanted
    from deploy.dead_letters.operations import select
    from deploy.dead_letters.topic import DeadLetterTopic

    settings = load_settings()
    chosen = wanted(
        ids,
        topic_prefix=settings.topic_prefix,
        stage=stage,
        reason=reason,
        since=since,
        until=until,
        article=article,
        url=url,
        topic=topic,
        also_closed=also_closed,
    )
    with DeadLetterTopic(settings.kafka, settings.topic_prefix) as letters:
        selection = select(letters, chosen)
        if as_json:
            _list_lines(selection, limit)
        else:
            _list_table(selection, limit or _SHOWN_LETTERS)


@dead.command()
def show(
    ids: Annotated[list[str], typer.Argument(help="Letters, as PARTITION:OFFSET.")], as_json: AsJson = False
) -> None:
    """Show everything about a letter: where from, why, headers, detail, value, and what to do."""
    from deploy.dead_letters.choosing import letter_ids
    from deploy.dead_letters.letters import Wanted
    from deploy.dead_letters.operations import select
    from deploy.dead_letters.text import letter_json, letter_text
    from deploy.dead_letters.topic import DeadLetterTopic

    settings = load_settings()
    absent = set(letter_ids(ids))
    console = Console(highlight=False, soft_wrap=True)
    with DeadLetterTopic(settings.kafka, settings.topic_prefix) as letters:
        selection = select(letters, Wanted(ids=frozenset(absent), also_closed=True))
        for letter in selection.letters():
            absent.discard(letter.id)
            closed = selection.closed.get(letter.id)
            if as_json:
                typer.echo(letter_json(letter, closed, whole=True))
                continue
            for line in letter_text(letter, closed, settings.topic_prefix):
                console.print(line)
    if absent:
        names = ", ".join(str(one) for one in sorted(absent))
        typer.echo(f"There is no letter {names}; `kiosque dead list --all` names all that are kept.", err=True)
        raise typer.Exit(1)


@dead.command()
def replay(  # noqa: PLR0917  # typer makes options of them; only the ids are positional
    ids: Ids = None,
    stage: OfStage = None,
    reason: Reason = None,
    since: Moment = None,
    until: Moment = None,
    article: Article = None,
    url: Url = None,
    topic: Topic = None,
    everything: Everything = False,
    limit: First = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters back to the input of the stage that set them aside, and close them.

    Interrupted, it may have sent a letter that is still open; sending it again is harmless, the stages know what they
    have seen. A letter older than what is known of its article by now is superseded. One that fails again comes back
    as a new letter with one attempt more.
    """
    from deploy.clock import utc_now
    from deploy.dead_letters import operations
    from deploy.dead_letters.choosing import require_choice, wanted
    from deploy.dead_letters.sender import LetterSender
    from deploy.dead_letters.topic import DeadLetterTopic
    from deploy.failpoints import arm_failpoint

    arm_failpoint()
    settings = load_settings()
    prefix = settings.topic_prefix
    chosen = wanted(
        ids,
        topic_prefix=prefix,
        stage=stage,
        reason=reason,
        since=since,
        until=until,
        article=article,
        url=url,
        topic=topic,
    )
    require_choice(chosen, everything=everything)
    with DeadLetterTopic(settings.kafka, prefix) as letters:
        selection = operations.select(letters, chosen, limit)
        survey = operations.survey(selection, prefix)
        _require_letters(survey)
        _tell_refusals(survey)
        if survey.targets:
            targets = ", ".join(f"{prefix}{name} ({number})" for name, number in sorted(survey.targets.items()))
            _confirm(survey, f"To be sent back to {targets}", yes=yes)
            with LetterSender(settings.kafka, prefix, utc_now) as sender:
                done = operations.replay(selection, sender, prefix)
                again = ((one.letter, {"kafka_topic": prefix + one.kafka_topic.name}) for one in done)
                _report(again, "replayed", as_json=as_json)
    if survey.refused:
        raise typer.Exit(1)


@dead.command()
def drop(  # noqa: PLR0917  # typer makes options of them; only the ids are positional
    ids: Ids = None,
    stage: OfStage = None,
    reason: Reason = None,
    since: Moment = None,
    until: Moment = None,
    article: Article = None,
    url: Url = None,
    topic: Topic = None,
    everything: Everything = False,
    limit: First = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Close letters without trying them again; they stay on the topic until its retention takes them."""
    from deploy.clock import utc_now
    from deploy.dead_letters import operations
    from deploy.dead_letters.choosing import require_choice, wanted
    from deploy.dead_letters.sender import LetterSender
    from deploy.dead_letters.topic import DeadLetterTopic

    settings = load_settings()
    chosen = wanted(
        ids,
        topic_prefix=settings.topic_prefix,
        stage=stage,
        reason=reason,
        since=since,
        until=until,
        article=article,
        url=url,
        topic=topic,
    )
    require_choice(chosen, everything=everything)
    with DeadLetterTopic(settings.kafka, settings.topic_prefix) as letters:
        selection = operations.select(letters, chosen, limit)
        survey = operations.survey(selection, settings.topic_prefix)
        _require_letters(survey)
        _confirm(survey, "To be dropped", yes=yes)
        with LetterSender(settings.kafka, settings.topic_prefix, utc_now) as sender:
            _report(((letter, {}) for letter in operations.drop(selection, sender)), "dropped", as_json=as_json)


def _list_lines(selection: "Selection", limit: int | None) -> None:
    from deploy.dead_letters.operations import newest
    from deploy.dead_letters.text import letter_json

    def line(letter: "Letter") -> str:
        return letter_json(letter, selection.closed.get(letter.id))

    lines = (line(letter) for letter in selection.letters()) if limit is None else newest(selection, limit, line)[0]
    for shown in lines:
        typer.echo(shown)


def _list_table(selection: "Selection", limit: int) -> None:
    from deploy.dead_letters.operations import newest
    from deploy.dead_letters.text import count_of, letters_table, totals_table

    found, totals = newest(selection, limit, lambda one: (one.without_value(), selection.closed.get(one.id)))
    kind = "" if selection.wanted.also_closed else "open "
    if not totals:
        typer.echo(f"No {kind}letter matches.")
        return
    console = Console(highlight=False, width=max(Console().width, _TABLE_WIDTH))
    console.print(letters_table(found, with_closed=selection.wanted.also_closed))
    console.print()
    console.print(totals_table(totals))
    if totals.total() > len(found):
        console.print(f"The newest {len(found)} of {count_of(totals.total())} are shown; --limit shows more.")


def _require_letters(survey: "Survey") -> None:
    if not survey.totals:
        typer.echo("No open letter matches.", err=True)
        raise typer.Exit(1)


def _tell_refusals(survey: "Survey") -> None:
    from deploy.dead_letters.text import count_of, printable

    for refusal in survey.refusals:
        typer.echo(f"Letter {refusal.letter.id} cannot go back: {printable(refusal.why)}.", err=True)
    if (more := survey.refused - len(survey.refusals)) > 0:
        typer.echo(f"Neither can {count_of(more)} more.", err=True)


def _confirm(survey: "Survey", what: str, *, yes: bool) -> None:
    from deploy.dead_letters.text import totals_sentence

    typer.echo(f"{totals_sentence(survey.totals)}. {what}.", err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise UserError("nobody is there to be asked", "repeat it with --yes if that is meant")
    typer.confirm("Go on?", abort=True, err=True)


def _report(done: Iterator[tuple["Letter", dict[str, str]]], how: str, *, as_json: bool) -> None:
    from deploy.dead_letters.text import count_of

    number = 0
    try:
        for letter, more in done:
            number += 1
            if as_json:
                typer.echo(msgspec.json.encode({"id": str(letter.id), "how": how, **more}).decode())
    finally:  # before the sentence of an error, too: how far it came
        if not as_json:
            typer.echo(f"{count_of(number)} {how}.")

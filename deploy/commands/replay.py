"""`kiosque replay`: label articles of the archive anew, with the models and lexicons of today.

    replay --all | --publisher ID | --article URL | --since T | --until T    a new run
    replay --resume    go on with the run that was stopped
    replay --abandon   give it up
    replay --list      all runs

Exit codes: 0 done, 2 wrong input or another replay's turn, 4 Kafka does not answer, 130 stopped: --resume goes on.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.status import Status

from deploy.clock import utc_now
from deploy.errors import ServerAbsent, UserError
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.replay.running import Outcome, Surroundings
    from deploy.replay.runs import ReplayRun
    from deploy.replay.selection import Selection

PANEL = "Administration"
EXIT_STOPPED = 130
_TABLE_WIDTH = 140
"""Narrower terminals break the lines themselves: a table squeezed into 80 columns cannot be read."""
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(replay)


def replay(  # noqa: PLR0917  # typer makes options of them
    everything: Annotated[bool, typer.Option("--all", help="Every article.")] = False,
    publisher: Annotated[str | None, typer.Option(help="Only of this publisher, by its domain.")] = None,
    article: Annotated[str | None, typer.Option(help="Only the article at this URL.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Only accepted then or later.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_FORMATS, help="Only accepted before.")] = None,
    rate: Annotated[float, typer.Option(min=0.01, help="Articles a second at most.")] = 20.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped.")] = False,
    abandon: Annotated[bool, typer.Option("--abandon", help="Give up the run that was stopped.")] = False,
    list_runs: Annotated[bool, typer.Option("--list", help="Show all runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the result as JSON.")] = False,
) -> None:
    """Label articles anew, with the models and lexicons of today, while news goes on: `kiosque replay --all`.

    What `kiosque reenrich` makes of them replaces their labels and nothing else. News does not wait behind it.
    """
    settings = load_settings()
    chosen = any(value is not None for value in (publisher, article, since, until)) or everything
    if sum((chosen, resume, abandon, list_runs)) > 1:
        raise UserError(
            "a new run, --resume, --abandon and --list exclude each other", "give one; a resumed run keeps its choice"
        )
    if list_runs:
        _list(settings, as_json)
    elif abandon:
        _abandon(settings, as_json)
    elif resume:
        _run(settings, None, rate, as_json)
    else:
        from deploy.replay.selection import selection

        wanted = selection(everything=everything, publisher=publisher, url=article, since=since, until=until)
        _run(settings, wanted, rate, as_json)


def _run(settings: Settings, wanted: "Selection | None", rate: float, as_json: bool) -> None:
    from deploy.replay.replay import resume_replay, start_replay
    from deploy.replay.running import ReplayOptions
    from deploy.replay.text import outcome_text, run_json

    options = ReplayOptions(settings.kafka, settings.topic_prefix, rate)

    async def do(surroundings: "Surroundings") -> "Outcome":
        if wanted is None:
            return await resume_replay(options, surroundings)
        return await start_replay(wanted, options, surroundings)

    outcome = _until_stopped(settings, do)
    if as_json:
        typer.echo(run_json(outcome.run, waiting=outcome.waiting, worker=outcome.worker))
    else:
        typer.echo(outcome_text(outcome))
    if outcome.run.state == "unfinished":
        raise typer.Exit(EXIT_STOPPED)


def _until_stopped(settings: Settings, do: "Callable[[Surroundings], Coroutine[Any, Any, Outcome]]") -> "Outcome":
    """Do it, with Ctrl-C and SIGTERM ending it between two portions, and the progress on a terminal's last line."""
    from deploy.failpoints import arm_failpoint
    from deploy.replay.running import Surroundings
    from deploy.withdrawal_log import KafkaWithdrawalLog

    arm_failpoint()
    withdrawals = KafkaWithdrawalLog(settings.kafka, settings.topic_prefix)

    async def until_stopped(reporter: _OnTerminal) -> "Outcome":
        surroundings = Surroundings(withdrawals, utc_now, time.monotonic, _stopped_by_signal(), reporter)
        return await do(surroundings)

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with console.status("Looking at the runs so far") as status:
            return _answered(settings, lambda: until_stopped(_OnTerminal(console, status)))
    finally:
        withdrawals.close()


def _stopped_by_signal() -> asyncio.Event:
    """An event that the first Ctrl-C or SIGTERM sets; the second one ends the process, which loses nothing either."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_once(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # loops without signal support stop by KeyboardInterrupt
            loop.add_signal_handler(number, stop_once, number)
    return stop


class _OnTerminal:
    """The progress on one line that is not kept; nothing of it where standard error is no terminal."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def progress(self, run: "ReplayRun", waiting: int) -> None:
        """See Reporter."""
        from deploy.replay.text import progress_text

        self._status.update(progress_text(run, waiting))

    def no_worker(self) -> None:
        """See Reporter."""
        from deploy.replay.text import START_WORKER

        self._console.print(f"No worker labels what is sent; {START_WORKER}.")


def _list(settings: Settings, as_json: bool) -> None:
    from deploy.replay.run_log import RunLog
    from deploy.replay.text import run_json, runs_table

    runs = _answered(settings, RunLog(settings.kafka, settings.topic_prefix).read)
    if as_json:
        for _, run in sorted(runs.items()):
            typer.echo(run_json(run))
    elif runs:
        Console(highlight=False, width=max(Console().width, _TABLE_WIDTH)).print(runs_table(runs.values()))
    else:
        typer.echo("No replay so far.")


def _abandon(settings: Settings, as_json: bool) -> None:
    from deploy.replay.replay import abandon_replay
    from deploy.replay.text import run_json

    run = _answered(settings, lambda: abandon_replay(settings.kafka, settings.topic_prefix, utc_now()))
    sentence = f"Run {run.run} is given up after {run.counts.written} articles; these keep their new labels."
    typer.echo(run_json(run) if as_json else sentence)


def _answered(settings: Settings, ask: "Callable[[], Coroutine[Any, Any, T]]") -> T:
    from deploy.replay.presence import require_topics

    for clients in ("aiokafka", "kafka"):  # they log every attempt; we say once what is the matter
        logging.getLogger(clients).setLevel(logging.CRITICAL)
    require_topics(settings.kafka, settings.topic_prefix)
    with _kafka_errors(settings), asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(_without_repetitions)
        return runner.run(ask())


def _without_repetitions(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What Kafka refuses is raised where it was asked for; aiokafka leaves it in futures of its own as well."""
    from aiokafka.errors import KafkaError

    if not isinstance(context.get("exception"), KafkaError):
        loop.default_exception_handler(context)


@contextmanager
def _kafka_errors(settings: Settings) -> Iterator[None]:
    """Kafka's errors as sentences with a next step."""
    from aiokafka.errors import KafkaError, ProducerFenced
    from kafka.errors import KafkaError as KafkaPythonError

    from schemas.withdrawals import WithdrawalsUnavailable

    try:
        yield
    except ProducerFenced as error:
        raise UserError(
            "another replay has taken over", "leave the run to it, or see `kiosque replay --list`"
        ) from error
    except (KafkaError, KafkaPythonError, WithdrawalsUnavailable, OSError) as error:
        raise ServerAbsent(
            f"Kafka at {settings.kafka} does not answer any more ({error})",
            "when it is back, a run that had begun goes on with: kiosque replay --resume",
        ) from error

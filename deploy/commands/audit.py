"""`kiosque audit`: is everything there, and once?

Exit codes: 0 clean, 1 something is missing, double or wrong, 2 wrong input, 4 a server does not answer.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from deploy.errors import ServerAbsent, UserError
from deploy.settings import Settings, load_settings

if TYPE_CHECKING:
    from deploy.audit.documents import IndexDocuments
    from schemas.withdrawals import WithdrawalOrders

PANEL = "Administration"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=PANEL)(audit)


def audit(
    index: Annotated[bool, typer.Option("--index/--no-index", help="Compare with Elasticsearch, too.")] = True,
    limit: Annotated[int, typer.Option(min=0, help="Name so many articles for each kind of problem.")] = 20,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for temporary files, 48 bytes a record; none: the system's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare the topics and the index article by article: what is missing, double or wrong, by name.

    Reads everything that Kafka holds once; the stages may go on meanwhile. Articles that a stage has not come to yet
    are counted as under way and not judged. Changes nothing.
    """
    from deploy.audit import operation, text
    from deploy.audit.records import FactMaker
    from deploy.audit.topics import TopicLog
    from deploy.clock import utc_now

    settings = load_settings()
    now = utc_now()
    console = Console(highlight=False, soft_wrap=True)
    with _scratch(scratch) as folder, _documents(settings, wanted=index) as documents:
        orders = _orders(settings)
        with TopicLog(settings.kafka, settings.topic_prefix) as topics:
            report = operation.audit(
                topics,
                documents,
                FactMaker(settings.topic_prefix, orders, now),
                scratch=folder,
                limit=limit,
                now=now,
                say=lambda line: typer.echo(line, err=True),
            )
    if as_json:
        typer.echo(msgspec.json.encode(text.result_json(report)).decode())
    else:
        for part in text.result_text(report):
            console.print(part)
    if report.problems:
        raise typer.Exit(1)


@contextmanager
def _scratch(chosen: Path | None) -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(prefix="kiosque-audit-", dir=chosen)
    except OSError as error:
        raise UserError(
            f"no folder can be made in {chosen or tempfile.gettempdir()} ({error.strerror})",
            "give one that can be written (--scratch)",
        ) from error
    with folder as made:
        yield Path(made)


@contextmanager
def _documents(settings: Settings, *, wanted: bool) -> Iterator["IndexDocuments | None"]:
    from deploy.audit.documents import IndexDocuments
    from deploy.index_access import open_index

    if not wanted:
        yield None
        return
    try:
        with open_index(settings) as client:
            documents = IndexDocuments(client, settings.index_prefix)
            documents.count()  # now, not after an hour of reading
            yield documents
    except ServerAbsent as error:
        if "Elasticsearch" not in error.problem:
            raise
        raise ServerAbsent(error.problem, f"{error.advice}; or look at Kafka alone with --no-index") from error


def _orders(settings: Settings) -> "WithdrawalOrders":
    """What must stay away, as of now: read before anything else, so that nothing looks covered too early."""
    from deploy.withdrawal_log import KafkaWithdrawalLog
    from schemas.withdrawals import WithdrawalsUnavailable

    log = KafkaWithdrawalLog(settings.kafka, settings.topic_prefix)
    try:
        return log.read_to_end()
    except WithdrawalsUnavailable as error:
        raise ServerAbsent(
            f"no Kafka answers at {settings.kafka}, or it has no topic {settings.topic_prefix}withdrawals",
            "start it or correct KIOSQUE_KAFKA, then run `kiosque setup`",
        ) from error
    finally:
        log.close()

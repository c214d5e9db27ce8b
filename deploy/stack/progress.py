"""Show how far a download is: a bar on a terminal, a line for each quarter elsewhere (logs, CI)."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

Advance = Callable[[int], None]
"""Takes the number of bytes that have arrived since the last call."""


class DownloadProgress(Protocol):
    """Something that shows the progress of one download at a time."""

    def download(self, title: str, total_bytes: int) -> AbstractContextManager[Advance]:
        """Show a download from its start until the context ends."""
        ...


class BarProgress:
    """A progress bar on a terminal.

    Args:
        console: where to draw it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def download(self, title: str, total_bytes: int) -> Iterator[Advance]:
        """Show a bar with size, speed and remaining time."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=self._console) as bar:
            task = bar.add_task(title, total=total_bytes)
            yield lambda count: bar.advance(task, count)


class LineProgress:
    """A plain line at each quarter of a download.

    Args:
        report: gets the lines.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report

    @contextmanager
    def download(self, title: str, total_bytes: int) -> Iterator[Advance]:
        """Report 25, 50, 75 and 100 %."""
        arrived = reported = 0

        def advance(count: int) -> None:
            nonlocal arrived, reported
            arrived += count
            quarters = min(4, 4 * arrived // max(total_bytes, 1))
            if quarters > reported:
                reported = quarters
                self._report(f"{title}: {25 * quarters} % of {megabytes(total_bytes)}")

        yield advance


def progress_for(console: Console, report: Callable[[str], None]) -> DownloadProgress:
    """A bar if the console is a terminal, lines through `report` otherwise."""
    return BarProgress(console) if console.is_terminal else LineProgress(report)


def megabytes(count: int) -> str:
    """A number of bytes for people: "921 MB"."""
    return f"{count / 1e6:.0f} MB"

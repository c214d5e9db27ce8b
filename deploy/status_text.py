"""What `kiosque status` shows. Pure."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from deploy.lag import StageLag
from sinks.lookups import IndexCounts


def status_text(lags: Sequence[StageLag], counts: IndexCounts) -> Iterator[Table | Text]:
    """A line on the index, a table of the stages, a table of what became of entries."""
    yield Text(f"{counts.articles} articles searchable, {counts.revisions} revisions kept.")
    stages = Table("stage", "taken", "waiting", box=None, header_style="bold")
    for lag in lags:
        stages.add_row(lag.stage, str(lag.taken), str(lag.waiting))
    yield stages
    if counts.dispositions:
        became = Table("stage", "what became of entries", "number", box=None, header_style="bold")
        for stage, dispositions in sorted(counts.dispositions.items()):
            for disposition, number in sorted(dispositions.items()):
                became.add_row(stage, disposition, str(number))
        yield became

"""What `up` shows while it runs: one line for each article that became searchable, and for each that did not and why.

    index (articles by arrival, trace) -> lines, newest last

Reads the index as any other client would: what it shows can be found.
"""

import time
from collections.abc import Iterator
from typing import Final

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.text import Text

from deploy.hits_text import local_time
from deploy.settings import Settings
from schemas.messages import Trace
from schemas.reasons import DISPOSITIONS, Disposition
from sinks.hits import Hit
from sinks.lookups import dispositions
from sinks.search import Search, run_search

_POLL_SECONDS: Final = 1.0
_LOOK_BACK: Final = 50
_TITLE_CHARACTERS: Final = 70
_TOLD: Final[frozenset[Disposition]] = frozenset(DISPOSITIONS) - {
    "fetched",
    "accepted",
    "revised",
    "not_modified",
    "tagged",
    "clustered",
    "indexed",
}
"""What a person wants to be told: everything that kept an article, or its text, out."""


class Board:
    """Tells what is new since the last look."""

    def __init__(self, settings: Settings, client: Elasticsearch, console: Console) -> None:
        self._prefix = settings.index_prefix
        self._client = client
        self._console = console
        self._articles: set[tuple[str, int]] = set()
        self._traces: set[str] = set()

    def show_for_ever(self) -> None:
        """Look every second, until Ctrl-C."""
        while True:
            self.show_news()
            time.sleep(_POLL_SECONDS)

    def show_news(self) -> None:
        """Print what came since the last call."""
        for line in self._news():
            self._console.print(line)

    def _news(self) -> Iterator[Text]:
        found = run_search(
            self._client,
            Search(sort="arrival", size=_LOOK_BACK, collapse_stories=False),
            index_prefix=self._prefix,
        )
        for hit in reversed(found.hits):
            if (hit.article_id, hit.revision) not in self._articles:
                self._articles.add((hit.article_id, hit.revision))
                yield article_line(hit)
        for trace in dispositions(self._client, index_prefix=self._prefix, size=_LOOK_BACK):
            if trace.trace_id not in self._traces:
                self._traces.add(trace.trace_id)
                if trace.disposition in _TOLD:
                    yield trace_line(trace)


def article_line(hit: Hit) -> Text:
    """An article that can be found now."""
    what = "corrected" if hit.revision > 1 else "searchable"
    line = Text.assemble((f"{what:<12}", "yellow" if hit.revision > 1 else "green"), _short(hit.title))
    line.append(f"  {hit.publisher_name}, {local_time(hit.timestamp)}", style="cyan")
    if hit.topics:
        line.append(f"  {', '.join(hit.topics[:2])}", style="dim")
    return line


def trace_line(trace: Trace) -> Text:
    """An entry that did not become a full article, and why."""
    what = "kept short" if trace.disposition == "teaser_kept" else "left out"
    line = Text.assemble((f"{what:<12}", "magenta"), _short(trace.title or trace.url or trace.article_id))
    detail = f" ({trace.detail})" if trace.detail else ""
    line.append(f"  {trace.disposition}: {DISPOSITIONS[trace.disposition]}{detail}", style="dim")
    return line


def _short(title: str) -> str:
    return title if len(title) <= _TITLE_CHARACTERS else title[: _TITLE_CHARACTERS - 1].rstrip() + "…"

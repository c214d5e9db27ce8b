"""`kiosque demo`: the newsstand through the whole real pipeline, then searches, then an honest verdict.

    Pipeline up ─► wait until every article of the newsstand is what it must be ─► searches ─► what was kept out ─► down

What must be is written beside the newsstand's articles (expectations.toml), not here.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from elasticsearch import Elasticsearch
from rich.console import Console
from rich.text import Text

from deploy.board import Board
from deploy.demo_verdict import Shortfall, shortfalls
from deploy.hits_text import hit_text
from deploy.index_access import open_index
from deploy.newsstand.expectations import expectations, searches
from deploy.pipeline import Pipeline
from deploy.settings import Settings
from sinks.search import Search, run_search

_POLL_SECONDS: Final = 1.0
_HITS_SHOWN: Final = 2


def run_demo(settings: Settings, console: Console, *, keep_data: bool, timeout_seconds: float) -> bool:
    """Run it and say how it went; True if every expectation held.

    Args:
        settings: of the local stack.
        console: where to.
        keep_data: run on the settings' data directory and leave it; else on a new one that is deleted.
        timeout_seconds: how long to wait for the articles, from the moment that all services run.
    """
    folder = settings.data_dir if keep_data else Path(tempfile.mkdtemp(prefix="kiosque-demo-"))
    settings = settings.model_copy(update={"data_dir": folder})
    held = False
    try:
        held = _run(settings, console, timeout_seconds, started=time.monotonic())
    finally:
        if held and not keep_data:
            shutil.rmtree(folder, ignore_errors=True)  # a leftover in the temporary folder is no reason to fail
        else:
            console.print(f"Everything is kept in {folder}.")
    return held


def _run(settings: Settings, console: Console, timeout_seconds: float, started: float) -> bool:
    def report(line: str) -> None:
        console.print(line, style="dim", markup=False)

    console.print("Starting a real Kafka, a real Elasticsearch and Kiosque's services on this machine.")
    with Pipeline(settings, with_newsstand=True, report=report) as pipeline:
        console.print(f"The newsstand, an invented French press, is open at {pipeline.addresses.newsstand}")
        with open_index(pipeline.settings) as client:
            missing, peak_bytes = _watched(pipeline, client, console, timeout_seconds)
            seconds = time.monotonic() - started
            missing += _searched(client, pipeline.settings, console)
        console.print("")
        console.print("Stopping everything.")
    _tell_verdict(console, missing, seconds, peak_bytes, pipeline.addresses.logs)
    return not missing


def _watched(
    pipeline: Pipeline, client: Elasticsearch, console: Console, timeout_seconds: float
) -> tuple[list[Shortfall], int]:
    """Show what arrives until all is as expected, or time is up; returns what is not, and the most memory held."""
    board = Board(pipeline.settings, client, console)
    deadline = time.monotonic() + timeout_seconds
    peak_bytes = 0
    while True:
        board.show_news()
        peak_bytes = max(peak_bytes, pipeline.resident_bytes() or 0)
        missing = shortfalls(client, expectations(), index_prefix=pipeline.settings.index_prefix)
        if not missing or time.monotonic() > deadline:
            board.show_news()
            return missing, peak_bytes
        time.sleep(_POLL_SECONDS)


def _searched(client: Elasticsearch, settings: Settings, console: Console) -> list[Shortfall]:
    """Show the newsstand's searches with their results; returns what they should have found and did not."""
    by_name = {expectation.name: expectation for expectation in expectations()}
    missing: list[Shortfall] = []
    for wanted in searches():
        result = run_search(client, Search(query=wanted.query), index_prefix=settings.index_prefix)
        console.print("")
        console.print(Text.assemble(("kiosque search ", "dim"), (f'"{wanted.query}"', "bold"), f"   {wanted.shows}"))
        for hit in result.hits[:_HITS_SHOWN]:
            for line in hit_text(hit):
                console.print(Text("  ") + line)
        found = {hit.url for hit in result.hits} | {other.url for hit in result.hits for other in hit.others}
        missing += [
            Shortfall(name, f'the search "{wanted.query}" does not find it')
            for name in wanted.must_find
            if by_name[name].url not in found
        ]
    return missing


def _tell_verdict(console: Console, missing: list[Shortfall], seconds: float, peak_bytes: int, logs: Path) -> None:
    if missing:
        for shortfall in missing:
            console.print(f"{shortfall.article}: {shortfall.what}", style="red", markup=False)
        console.print(f"{len(missing)} of the demo's expectations did not hold; the services' logs are in {logs}.")
        return
    memory = f"; all processes together held {peak_bytes / 1e9:.1f} GB at most" if peak_bytes else ""
    console.print(
        f"All {len(expectations())} articles ended as they should, {seconds:.0f} s after the start{memory}.",
        style="green",
    )

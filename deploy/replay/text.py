"""Runs and their progress in words, as a table, as JSON. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec
from rich.table import Table

from deploy.hits_text import local_time
from deploy.replay.running import Outcome
from deploy.replay.runs import Counts, ReplayRun
from deploy.replay.selection import Selection

START_WORKER = "start one: kiosque reenrich"


def selection_text(selection: Selection) -> str:
    """What a run is about."""
    parts = [
        f"publisher {selection.publisher}" if selection.publisher else "",
        f"article {selection.url}" if selection.url else "",
        f"accepted since {local_time(selection.since)}" if selection.since else "",
        f"accepted until {local_time(selection.until)}" if selection.until else "",
    ]
    return ", ".join(part for part in parts if part) or "all articles"


def progress_text(run: ReplayRun, waiting: int) -> str:
    """Where a run is."""
    return f"Run {run.run}: {run.done:.0%} read, {run.counts.written} articles sent, {waiting} wait for the worker"


def outcome_text(outcome: Outcome) -> str:
    """How a replay ended, and what is to be done next."""
    run = outcome.run
    sentences = [
        f"Run {run.run} {'is complete' if run.state == 'finished' else 'was stopped'}: {_counts_text(run.counts)}."
    ]
    if run.state == "unfinished":
        sentences.append("It goes on with: kiosque replay --resume.")
    if outcome.waiting and not outcome.worker:
        sentences.append(f"No worker labels them; {START_WORKER}.")
    elif outcome.waiting:
        sentences.append(f"Waiting for the worker: {outcome.waiting}.")
    return " ".join(sentences)


def _counts_text(counts: Counts) -> str:
    left_out = {
        "withdrawn": counts.withdrawn,
        "labelled by this or a later run already": counts.newer,
    }
    exceptions = ", ".join(f"{number} {why}" for why, number in left_out.items() if number)
    sent = f"{counts.written} of {counts.selected} chosen articles sent to be labelled"
    unreadable = f"; unreadable records of articles.enriched: {counts.unreadable}" if counts.unreadable else ""
    return sent + (f" ({exceptions})" if exceptions else "") + unreadable


def runs_table(runs: Iterable[ReplayRun]) -> Table:
    """All runs, the latest last."""
    table = Table(box=None, header_style="bold")
    for name in ("run", "state", "of", "chosen", "sent", "begun", "ended"):
        table.add_column(name, no_wrap=True)
    for run in sorted(runs, key=lambda run: run.run):
        ended = local_time(run.finished_at) if run.finished_at else f"{run.done:.0%} read"
        counts = str(run.counts.selected), str(run.counts.written)
        table.add_row(
            str(run.run), run.state, selection_text(run.selection), *counts, local_time(run.started_at), ended
        )
    return table


def run_json(run: ReplayRun, **more: object) -> str:
    """A run as one line of JSON: number, state, selection, counts, times, and `more`."""
    shown: dict[str, Any] = {
        "run": run.run,
        "state": run.state,
        "selection": run.selection,
        **msgspec.to_builtins(run.counts),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        **more,
    }
    return msgspec.json.encode(shown).decode()

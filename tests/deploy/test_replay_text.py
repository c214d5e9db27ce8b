import io
import json

import pytest
from rich.console import Console

from deploy.replay.running import Outcome
from deploy.replay.runs import Counts
from deploy.replay.selection import Selection
from deploy.replay.text import outcome_text, progress_text, run_json, runs_table, selection_text
from tests.articles import NOON, minutes
from tests.deploy.test_replay_runs import run

ENDED = run(3, counts=Counts(read=90, selected=20, written=17, withdrawn=2, newer=1)).ended(NOON + minutes(1))


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (
            Outcome(ENDED, waiting=0, worker=True),
            (
                "Run 3 is complete: 17 of 20 chosen articles sent to be labelled (2 withdrawn, 1 labelled by this or a "
                "later run already)."
            ),
        ),
        (
            Outcome(run(4, counts=Counts(selected=5, written=5, unreadable=1)), waiting=2, worker=True),
            (
                "Run 4 was stopped: 5 of 5 chosen articles sent to be labelled; unreadable records of "
                "articles.enriched: 1. It goes on with: kiosque replay --resume. Waiting for the worker: 2."
            ),
        ),
        (
            Outcome(run(5).ended(NOON), waiting=1, worker=False),
            (
                "Run 5 is complete: 0 of 0 chosen articles sent to be labelled. No worker labels them; start one: "
                "kiosque reenrich."
            ),
        ),
    ],
)
def test_the_outcome_says_what_was_done_and_what_is_next(outcome, text):
    assert outcome_text(outcome) == text


def test_selections_in_words():
    assert selection_text(Selection()) == "all articles"
    assert selection_text(Selection(publisher="a.example", url="http://a.example/1")) == (
        "publisher a.example, article http://a.example/1"
    )
    assert selection_text(Selection(since=NOON)).startswith("accepted since 25/11/2026")


def test_progress_in_words():
    half = run(7).advanced(5, 150, Counts(read=50, selected=40, written=40))
    assert progress_text(half, 30) == "Run 7: 50% read, 40 articles sent, 30 wait for the worker"


def test_runs_as_a_table():
    output = io.StringIO()
    Console(file=output, width=140).print(runs_table([run(4), ENDED]))
    header, first, second = output.getvalue().splitlines()
    assert header.split() == ["run", "state", "of", "chosen", "sent", "begun", "ended"]
    assert first.split()[:4] == ["3", "finished", "publisher", "phare-ouest.example,"]
    assert second.split()[-2:] == ["0%", "read"]


def test_a_run_as_json():
    assert json.loads(run_json(ENDED, waiting=4)) == {
        "run": 3,
        "state": "finished",
        "selection": {"publisher": "phare-ouest.example", "since": "2026-11-25T12:00:00Z"},
        "read": 90,
        "repeated": 0,
        "selected": 20,
        "written": 17,
        "withdrawn": 2,
        "newer": 1,
        "unreadable": 0,
        "started_at": "2026-11-25T12:00:00Z",
        "finished_at": "2026-11-25T12:01:00Z",
        "waiting": 4,
    }

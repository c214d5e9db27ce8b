"""Items of a bulk reply become outcomes, outcomes a verdict."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import version_of
from sinks.bulk_result import (
    Deleted,
    Done,
    Indexed,
    Outcome,
    Rejected,
    Retry,
    Superseded,
    Wait,
    history_was_lost,
    outcome_of,
    verdict_of,
)
from sinks.operations import SetAside
from tests.sinks.samples import ACCEPTED, NOW


def failed(status: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"index": {"status": status, "error": {"type": kind, "reason": "why", **more}}}


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        pytest.param({"index": {"status": 201, "result": "created"}}, Indexed(created=True), id="created"),
        pytest.param({"index": {"status": 200, "result": "updated"}}, Indexed(created=False), id="equal or newer"),
        pytest.param({"delete": {"status": 200, "result": "deleted"}}, Deleted(), id="deleted"),
        pytest.param({"delete": {"status": 404, "result": "not_found"}}, Deleted(), id="nothing to delete"),
        pytest.param(failed(409, "version_conflict_engine_exception"), Superseded(), id="a higher version stands"),
        pytest.param(
            failed(429, "es_rejected_execution_exception"),
            Retry("429 es_rejected_execution_exception: why"),
            id="queue full",
        ),
        pytest.param(
            failed(503, "unavailable_shards_exception"), Retry("503 unavailable_shards_exception: why"), id="no shard"
        ),
        pytest.param(
            failed(403, "cluster_block_exception"), Retry("403 cluster_block_exception: why"), id="index read only"
        ),
        pytest.param(
            failed(400, "index_closed_exception"), Retry("400 index_closed_exception: why"), id="index closed"
        ),
        pytest.param(
            failed(404, "index_not_found_exception"), Retry("404 index_not_found_exception: why"), id="index gone"
        ),
        pytest.param(
            failed(400, "document_parsing_exception", caused_by={"type": "illegal_argument_exception", "reason": "95"}),
            Rejected("400 document_parsing_exception: why / illegal_argument_exception: 95"),
            id="a value that does not fit",
        ),
        pytest.param(
            failed(400, "strict_dynamic_mapping_exception"),
            Rejected("400 strict_dynamic_mapping_exception: why"),
            id="an unknown field",
        ),
        pytest.param({}, Retry("unreadable item {}"), id="nothing"),
        pytest.param({"index": None}, Retry("unreadable item {'index': None}"), id="no answer"),
    ],
)
def test_outcome(item: dict[str, Any], outcome: Outcome) -> None:
    assert outcome_of(item) == outcome


ERRORS = st.none() | st.text(max_size=5) | st.fixed_dictionaries({"type": st.text(max_size=5)})
ANSWERS = st.none() | st.fixed_dictionaries(
    {}, optional={"status": st.none() | st.integers(0, 700), "result": st.text(max_size=9), "error": ERRORS}
)


@given(st.dictionaries(st.sampled_from(["index", "delete", "create", "?"]), ANSWERS, max_size=1))
def test_every_item_has_exactly_one_outcome(item: dict[str, Any]) -> None:
    assert type(outcome_of(item)) in {Indexed, Deleted, Superseded, Retry, Rejected}


@given(st.sampled_from(["index", "delete"]), st.integers(500, 599) | st.just(429), ERRORS)
def test_what_the_server_could_not_do_is_never_lost(action: str, status: int, error: object) -> None:
    assert isinstance(outcome_of({action: {"status": status, "error": error}}), Retry)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        pytest.param(
            [Indexed(created=True), Indexed(created=True)],
            Done((Indexed(created=True), Indexed(created=True))),
            id="all",
        ),
        pytest.param([Superseded(), Indexed(created=False)], Done((Superseded(), Indexed(created=False))), id="older"),
        pytest.param([Indexed(created=True), Retry("429")], Wait("429"), id="one to be tried again"),
        pytest.param([Rejected("400"), Retry("429")], Wait("429"), id="trying again comes before setting aside"),
        pytest.param([Indexed(created=True), Rejected("400")], SetAside("document_rejected", "400"), id="one rejected"),
    ],
)
def test_verdict(outcomes: list[Outcome], verdict: object) -> None:
    assert verdict_of(outcomes) == verdict


@pytest.mark.parametrize(
    ("version", "standing", "alarm"),
    [
        pytest.param(version_of(1, 0), NOW, True, id="first revision below an article accepted at another time"),
        pytest.param(version_of(1, 0), ACCEPTED, False, id="first revision redelivered below its own successor"),
        pytest.param(version_of(1, 0), None, False, id="first revision redelivered below its withdrawal"),
        pytest.param(version_of(2, 0), NOW, False, id="a later revision"),
        pytest.param(version_of(1, 1), NOW, False, id="a re-enrichment"),
    ],
)
def test_alarm(version: int, standing: Any, alarm: bool) -> None:
    assert history_was_lost(version, ACCEPTED, standing) is alarm

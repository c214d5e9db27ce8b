"""What the store makes of servers that refuse, fail, or answer strangely; the rest is in tests/contracts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders, NodeConfig
from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from schemas.failpoints import FailpointReached, arm
from sinks.bulk_result import Deleted, Indexed, Outcome, Rejected
from sinks.elasticsearch import connect, ensure_indices, store_errors
from sinks.errors import SinkError, StoreUnavailable
from sinks.mapping import index_templates
from sinks.operations import Put, Withdraw
from sinks.store import ElasticsearchStore
from tests.sinks.samples import article_id, names, options

Answer = tuple[int, Any] | Exception
Server = Callable[[str, str, str], Answer]

ID = article_id("halles")
PUTS = [Put("essai-articles-v1", str(number), b"{}", 1) for number in range(4)]
CREATED = {"index": {"status": 201, "result": "created"}}


def client_for(server: Server, timeouts: list[float] | None = None) -> Elasticsearch:
    """A client whose requests go to a function: method, path, body -> status, body; their time limits are kept."""

    class Node(BaseNode):
        def __init__(self, config: NodeConfig) -> None:
            super().__init__(config)

        def perform_request(
            self, method: str, target: str, body: Any = None, headers: Any = None, request_timeout: Any = None
        ) -> NodeApiResponse:
            if timeouts is not None:
                timeouts.append(request_timeout)
            answer = server(method, target, (body or b"").decode())
            if isinstance(answer, Exception):
                raise answer
            status, reply = answer
            meta = ApiResponseMeta(
                status=status,
                http_version="1.1",
                headers=HttpHeaders({"content-type": "application/json", "x-elastic-product": "Elasticsearch"}),
                duration=0.0,
                node=self.config,
            )
            return NodeApiResponse(meta, json.dumps(reply).encode())

        def close(self) -> None:
            """Nothing is open."""

    return Elasticsearch("http://127.0.0.1:1", node_class=Node, max_retries=0)


def store_for(server: Server) -> ElasticsearchStore:
    return ElasticsearchStore(client_for(server), names())


def failing(status: int, kind: str) -> Answer:
    return status, {"error": {"type": kind, "reason": "why"}, "status": status}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(TransportConnectionError("refused"), id="no connection"),
        pytest.param(failing(429, "es_rejected_execution_exception"), id="too many requests"),
        pytest.param(failing(503, "cluster_block_exception"), id="no master"),
        pytest.param(failing(401, "security_exception"), id="credentials that no longer hold"),
        pytest.param(failing(403, "security_exception"), id="rights taken away"),
        pytest.param(failing(404, "index_not_found_exception"), id="index gone"),
        pytest.param((200, {"items": [CREATED]}), id="fewer answers than operations"),
    ],
)
def test_unavailable(answer: Answer) -> None:
    with pytest.raises(StoreUnavailable):
        store_for(lambda *_: answer).write(PUTS)


def test_a_request_refused_as_a_whole_is_halved_down_to_the_operation_at_fault() -> None:
    sizes: list[int] = []

    def server(_: str, __: str, body: str) -> Answer:
        operations = body.count('"index"')
        sizes.append(operations)
        return failing(400, "parsing_exception") if '"_id":"2"' in body else (200, {"items": [CREATED] * operations})

    expected: list[Outcome] = [Indexed(created=True)] * 4
    outcomes = store_for(server).write(PUTS)
    assert isinstance(outcomes[2], Rejected)
    assert [*outcomes[:2], outcomes[3]] == expected[:3]
    assert sizes == [4, 2, 2, 1, 1]


def test_versions_guard_documents() -> None:
    lines: list[Any] = []

    def server(_: str, __: str, body: str) -> Answer:
        lines.extend(json.loads(line) for line in body.splitlines())
        return 200, {"items": [CREATED, CREATED]}

    store_for(server).write([Put("essai-articles-v1", ID, b'{"title":"un"}', 7), Put("essai-trace", "t", b"{}")])
    assert lines == [
        {"index": {"_index": "essai-articles-v1", "_id": ID, "version": 7, "version_type": "external_gte"}},
        {"title": "un"},
        {"index": {"_index": "essai-trace", "_id": "t"}},
        {},
    ]


@pytest.mark.parametrize(
    "unfinished",
    [
        pytest.param((200, {"deleted": 1, "failures": [{"cause": {}}]}), id="a shard failed"),
        pytest.param((200, {"deleted": 1, "version_conflicts": 1}), id="somebody wrote at the same time"),
        pytest.param((200, {"deleted": 1, "timed_out": True}), id="out of time"),
        pytest.param(failing(503, "search_phase_execution_exception"), id="no shard"),
    ],
)
def test_a_withdrawal_counts_only_when_everything_is_deleted(unfinished: Answer) -> None:
    answers: list[Answer] = [unfinished, (200, {"deleted": 2})]
    asked: list[Any] = []

    def server(_: str, target: str, body: str) -> Answer:
        if target.startswith("/_bulk"):
            return 200, {"items": [{"delete": {"status": 404, "result": "not_found"}}]}
        if "_delete_by_query" in target:
            asked.append(json.loads(body)["query"])
            return answers.pop(0)
        return 200, {}

    store = store_for(server)
    withdrawal = Withdraw("essai-articles-v1", ID, 1)
    with pytest.raises(StoreUnavailable):
        store.write([withdrawal])
    assert store.write([withdrawal]) == [Deleted()]
    query = {
        "bool": {"filter": [{"terms": {"article_id": [ID]}}], "must_not": [{"term": {"disposition": "withdrawn"}}]}
    }
    assert asked == [query] * 2


def withdrawing(deleted: Answer = (200, {"deleted": 2}), requests: list[str] | None = None) -> Server:
    """A server that deletes what it is told to."""

    def server(_: str, target: str, __: str) -> Answer:
        if requests is not None:
            requests.append(target.partition("?")[0])
        if target.startswith("/_bulk"):
            return 200, {"items": [{"delete": {"status": 200, "result": "deleted"}}]}
        return deleted if "_delete_by_query" in target else (200, {})

    return server


@pytest.mark.parametrize(("name", "asked"), [("index.after_write", ["/_bulk"]), ("index.after_delete", ["/_bulk"])])
def test_what_was_asked_at_each_failpoint(name: str, asked: list[str]) -> None:
    requests: list[str] = []
    arm(f"{name}:1:raise")
    try:
        with pytest.raises(FailpointReached, match=name):
            store_for(withdrawing(requests=requests)).write([Withdraw("essai-articles-v1", ID, 1)])
    finally:
        arm("")
    assert requests == asked


def test_all_requests_of_one_write_share_its_time() -> None:
    timeouts: list[float] = []
    seconds = iter([0.0, 1.0, 41.0, 45.0])
    client = client_for(withdrawing(), timeouts)
    store = ElasticsearchStore(client, names(), write_seconds=60.0, monotonic=lambda: next(seconds))
    assert store.write([Withdraw("essai-articles-v1", ID, 1)]) == [Deleted()]
    assert timeouts == [59.0, 19.0, 15.0]


def test_a_write_that_has_no_time_left_is_tried_again() -> None:
    seconds = iter([0.0, 1.0, 60.0])
    store = ElasticsearchStore(client_for(withdrawing()), names(), monotonic=lambda: next(seconds))
    with pytest.raises(StoreUnavailable, match="no complete answer within 60 s"):
        store.write([Withdraw("essai-articles-v1", ID, 1)])


def test_a_server_without_its_shards_does_not_pass_the_check() -> None:
    with pytest.raises(StoreUnavailable):
        store_for(lambda *_: failing(503, "search_phase_execution_exception")).check()
    store_for(lambda *_: (200, {"hits": {"hits": []}})).check()


def test_when_standing_articles_were_accepted() -> None:
    found = {"_id": ID, "found": True, "_source": {"accepted_at": "2026-03-02T08:56:00Z"}}
    store = store_for(lambda *_: (200, {"docs": [found, {"_id": "x", "found": False}]}))
    assert {key: at.isoformat() for key, at in store.accepted_at([ID, "x"]).items()} == {
        ID: "2026-03-02T08:56:00+00:00"
    }


def may_not_write_templates(*, indices: bool) -> Server:
    """A server that refuses templates; its indices, if there are any, are as the templates say."""
    templates = {template.index: template for template in index_templates(options())}

    def server(method: str, target: str, _: str) -> Answer:
        index = target.split("/")[1]
        if method == "PUT" and "_template" in target:
            return failing(403, "security_exception")
        if method == "HEAD":
            return (200 if indices and (index in templates or "/_alias/" in target) else 404), None
        if method == "GET" and target.endswith("/_mapping"):
            return 200, {index: {"mappings": templates[index].mappings}}
        if method == "GET" and target.endswith("/_settings"):
            settings = {"analysis": templates[index].analysis, "refresh_interval": options().refresh_interval}
            return 200, {index: {"settings": {"index": settings}}}
        raise AssertionError(f"{method} {target}")

    return server


def test_templates_that_may_not_be_written_are_enough_if_the_indices_are_there() -> None:
    ensure_indices(client_for(may_not_write_templates(indices=True)), options())


def test_templates_that_may_not_be_written_and_no_indices_are_refused() -> None:
    with pytest.raises(SinkError, match="refuses the credentials"):
        ensure_indices(client_for(may_not_write_templates(indices=False)), options())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(failing(401, "security_exception"), SinkError, id="wrong credentials"),
        pytest.param(failing(502, "proxy"), StoreUnavailable, id="a proxy without server"),
        pytest.param(TransportConnectionError("refused"), StoreUnavailable, id="no server"),
    ],
)
def test_errors_of_the_client_become_ours(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error), store_errors():
        client_for(lambda *_: answer).info()


@pytest.mark.parametrize("urls", ["", "localhost", "127.0.0.1:9200"])
def test_a_client_that_cannot_be_made_says_what_to_give(urls: str) -> None:
    with pytest.raises(SinkError, match="give a URL such as"):
        connect(urls)


def test_an_authority_that_is_not_there_is_named() -> None:
    with pytest.raises(SinkError, match=r"there is no file /nowhere/ca\.pem"):
        connect("https://127.0.0.1:9200", ca_file="/nowhere/ca.pem")


def test_credentials_do_not_show() -> None:
    assert "geheim" not in repr(options(api_key="geheim", password="geheim"))

"""Where documents go: the protocol, and Elasticsearch's body of it.

    write         operations -> one bulk request -> an outcome for each, in their order; withdrawn articles: then delete
                  their revisions and trace by query, before the outcome counts
    accepted_at   what stands of superseded articles, for the alarm of D5
    check         whether it answers

When to write and what an outcome means is decided elsewhere (batches.py, bulk_result.py, settlement.py).
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Protocol, cast

import msgspec
import structlog
from elasticsearch import ApiError, Elasticsearch, NotFoundError

from schemas.failpoints import failpoint
from sinks.bulk_result import Deleted, Outcome, Rejected, outcome_of
from sinks.elasticsearch import store_errors
from sinks.errors import SinkError, StoreUnavailable
from sinks.mapping import IndexNames
from sinks.operations import WITHDRAWN, Operation, Put, Withdraw

log = structlog.get_logger(__name__)

_REPLY_PARTS: Final = "items.*.status,items.*.result,items.*.error"
_SHARD_PATIENCE: Final = "10s"
"""How long the server itself waits for a shard that is not there before it answers 503."""

_CHECK_SECONDS: Final = 5.0
_PURGE_AT_ONCE: Final = 500


class Store(Protocol):
    """Documents under ids, guarded by versions (Elasticsearch's external_gte)."""

    def write(self, operations: Sequence[Operation]) -> list[Outcome]:
        """Carry out operations in their order; one outcome for each.

        Raises:
            StoreUnavailable: nothing is known of any of them; all may be tried again.
        """

    def accepted_at(self, article_ids: Collection[str]) -> dict[str, datetime]:
        """When the standing documents of these articles were accepted; articles without document are left out.

        Raises:
            StoreUnavailable: try again later.
        """

    def check(self) -> None:
        """Return if the store answers.

        Raises:
            StoreUnavailable: it does not.
        """


class ElasticsearchStore:
    """The store in a real cluster.

    Args:
        client: of the cluster.
        names: of the indices.
        write_seconds: longest time for one write, all of its requests together: far below the time after which a
            service that stands still is ended.
        monotonic: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        client: Elasticsearch,
        names: IndexNames,
        *,
        write_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._names = names
        self._write_seconds = write_seconds
        self._monotonic = monotonic

    def write(self, operations: Sequence[Operation]) -> list[Outcome]:
        """See `Store.write`."""
        if not operations:
            return []
        until = self._monotonic() + self._write_seconds
        outcomes = self._bulk(operations, until)
        failpoint("index.after_write")
        gone = [
            operation.id
            for operation, outcome in zip(operations, outcomes, strict=True)
            if isinstance(operation, Withdraw) and isinstance(outcome, Deleted)
        ]
        if gone:
            failpoint("index.after_delete")
        for start in range(0, len(gone), _PURGE_AT_ONCE):
            self._purge(gone[start : start + _PURGE_AT_ONCE], until)
        return outcomes

    def accepted_at(self, article_ids: Collection[str]) -> dict[str, datetime]:
        """See `Store.accepted_at`."""
        if not article_ids:
            return {}
        with _errors_while_running():
            reply = self._client.mget(
                index=self._names.articles, ids=sorted(article_ids), source_includes=["accepted_at"]
            )
        return {
            found["_id"]: msgspec.convert(found["_source"]["accepted_at"], datetime)
            for found in reply["docs"]
            if found.get("found") and "accepted_at" in found["_source"]
        }

    def check(self) -> None:
        """See `Store.check`. An empty search: it needs no rights on the cluster, and all shards."""
        with _errors_while_running():
            self._client.options(request_timeout=_CHECK_SECONDS).search(
                index=list(self._names.indices),
                size=0,
                track_total_hits=False,
                terminate_after=1,
                allow_partial_search_results=False,
            )

    def _bulk(self, operations: Sequence[Operation], until: float) -> list[Outcome]:
        """One request; a request refused as a whole is halved until the operation it is refused for stands alone."""
        lines = [line for operation in operations for line in _lines(operation)]
        try:
            with _errors_while_running():
                reply = self._within(until).bulk(
                    # The client passes bytes through; its annotation does not say so.
                    operations=cast("Sequence[Mapping[str, Any]]", lines),
                    timeout=_SHARD_PATIENCE,
                    filter_path=_REPLY_PARTS,
                )
        except ApiError as error:
            if len(operations) == 1:
                return [Rejected(str(error))]
            log.warning("bulk request refused", status=error.status_code, operations=len(operations))
            middle = len(operations) // 2
            return self._bulk(operations[:middle], until) + self._bulk(operations[middle:], until)
        items: list[Mapping[str, Any]] = reply.get("items", [])
        if len(items) != len(operations):
            raise StoreUnavailable(f"{len(items)} answers to {len(operations)} operations")
        return [outcome_of(item) for item in items]

    def _purge(self, article_ids: Sequence[str], until: float) -> None:
        """Delete revisions and trace of withdrawn articles, also those that no search can see yet.

        That they were withdrawn stays in the trace.
        """
        indices = [self._names.revisions, self._names.trace]
        query = {
            "bool": {
                "filter": [{"terms": {"article_id": list(article_ids)}}],
                "must_not": [{"term": {"disposition": WITHDRAWN}}],
            }
        }
        with _errors_while_running():
            self._within(until).indices.refresh(index=indices)
            reply = self._within(until).delete_by_query(index=indices, query=query, conflicts="proceed", refresh=True)
        if reply.get("failures") or reply.get("version_conflicts") or reply.get("timed_out"):
            raise StoreUnavailable("not everything of withdrawn articles is deleted yet")

    def _within(self, until: float) -> Elasticsearch:
        """The client with the rest of the time for one write.

        Raises:
            StoreUnavailable: there is none.
        """
        left = until - self._monotonic()
        if left <= 0:
            raise StoreUnavailable(f"no complete answer within {self._write_seconds:g} s")
        return self._client.options(request_timeout=left)


def _lines(operation: Operation) -> tuple[bytes, ...]:
    meta: dict[str, Any] = {"_index": operation.index, "_id": operation.id}
    if operation.version is not None:
        meta |= {"version": operation.version, "version_type": "external_gte"}
    if isinstance(operation, Put):
        return msgspec.json.encode({"index": meta}), operation.body
    return (msgspec.json.encode({"delete": meta}),)


@contextmanager
def _errors_while_running() -> Iterator[None]:
    """As `store_errors`, but rights and indices that are lost while we run are waited for, as a server would be."""
    try:
        with store_errors():
            yield
    except SinkError as error:
        raise StoreUnavailable(error.problem) from error
    except NotFoundError as error:
        raise StoreUnavailable(str(error)) from error

"""The store in memory: the same contract as Elasticsearch's body (tests/contracts), without a server."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sinks.bulk_result import Deleted, Indexed, Outcome, Superseded
from sinks.mapping import IndexNames
from sinks.operations import WITHDRAWN, Operation, Put, Withdraw


class MemoryStore:
    """Documents by index and id.

    Attributes:
        documents: index -> id -> document.
    """

    def __init__(self, names: IndexNames) -> None:
        self._names = names
        self._versions: dict[tuple[str, str], int] = {}
        self.documents: dict[str, dict[str, dict[str, Any]]] = {index: {} for index in names.indices}

    def write(self, operations: Sequence[Operation]) -> list[Outcome]:
        """See `sinks.store.Store.write`."""
        return [self._carried_out(operation) for operation in operations]

    def accepted_at(self, article_ids: Collection[str]) -> dict[str, datetime]:
        """See `sinks.store.Store.accepted_at`."""
        articles = self.documents[self._names.articles]
        return {
            article_id: msgspec.convert(articles[article_id]["accepted_at"], datetime)
            for article_id in article_ids
            if article_id in articles
        }

    def check(self) -> None:
        """See `sinks.store.Store.check`."""

    def _carried_out(self, operation: Operation) -> Outcome:
        if operation.version is not None:
            place = (operation.index, operation.id)
            if self._versions.get(place, -1) > operation.version:
                return Superseded()
            self._versions[place] = operation.version
        if isinstance(operation, Withdraw):
            return self._withdrawn(operation)
        return self._put(operation)

    def _put(self, operation: Put) -> Indexed:
        documents = self.documents[operation.index]
        created = operation.id not in documents
        documents[operation.id] = msgspec.json.decode(operation.body)
        return Indexed(created)

    def _withdrawn(self, operation: Withdraw) -> Deleted:
        self.documents[operation.index].pop(operation.id, None)
        for index in (self._names.revisions, self._names.trace):
            kept = self.documents[index].items()
            self.documents[index] = {id_: held for id_, held in kept if not _goes(held, operation.id)}
        return Deleted()


def _goes(document: dict[str, Any], article_id: str) -> bool:
    return bool(document["article_id"] == article_id and document.get("disposition") != WITHDRAWN)

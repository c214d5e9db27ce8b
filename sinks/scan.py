"""Every document of an index with its version: a snapshot, streamed page by page, in any order.

    refresh ─► point in time ─► search_after ... ─► closed

Only what doc values and the version give is asked for; no document is loaded. For those who compare the index with
something else; what a difference means is theirs to say.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError

from sinks.elasticsearch import store_errors

PAGE: Final = 5_000
_KEEP_ALIVE: Final = "5m"
_FIELDS: Final = ("url", "publisher.id")


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One document.

    Attributes:
        index: the concrete one, not the alias.
        id: of the document.
        version: the one that guards it.
        url: the article's address, None where the document has none.
        publisher_id: likewise.
    """

    index: str
    id: str
    version: int
    url: str | None
    publisher_id: str | None


def count_documents(client: Elasticsearch, index: str) -> int:
    """How many documents an index or alias has that a search can see; 0 if there is none of that name.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    with store_errors():
        return int(client.count(index=index, ignore_unavailable=True)["count"])


def scan_versions(client: Elasticsearch, index: str, *, page: int = PAGE) -> Iterator[StoredVersion]:
    """All documents as they stand when the first is asked for; none if there is no such index or alias.

    Args:
        client: of the cluster.
        index: an index, or an alias of any number of them.
        page: documents in one answer, 10,000 at most.

    Raises:
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """
    with store_errors():
        try:
            client.indices.refresh(index=index)
            point = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)["id"]
        except NotFoundError:
            return
        try:
            after: list[Any] | None = None
            while hits := _page(client, point, after, page):
                yield from map(_stored, hits)
                after = hits[-1]["sort"]
        finally:
            with suppress(ApiError, TransportError):  # it expires by itself
                client.close_point_in_time(id=point)


def _page(client: Elasticsearch, point: str, after: list[Any] | None, size: int) -> list[dict[str, Any]]:
    more: dict[str, Any] = {} if after is None else {"search_after": after}
    reply = client.search(
        pit={"id": point, "keep_alive": _KEEP_ALIVE},
        sort=["_shard_doc"],
        size=size,
        source=False,
        version=True,
        docvalue_fields=[{"field": name} for name in _FIELDS],
        track_total_hits=False,
        allow_partial_search_results=False,
        **more,
    )
    return list(reply["hits"]["hits"])


def _stored(hit: dict[str, Any]) -> StoredVersion:
    url, publisher = (hit.get("fields", {}).get(name, (None,))[0] for name in _FIELDS)
    return StoredVersion(hit["_index"], hit["_id"], hit["_version"], url, publisher)

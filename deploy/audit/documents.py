"""The index as an audit reads it: articles behind the alias and revisions, as they stand when asked for."""

from collections.abc import Iterator

from elasticsearch import Elasticsearch

from sinks.lookups import find_article
from sinks.mapping import index_names
from sinks.scan import StoredVersion, count_documents, scan_versions


class IndexDocuments:
    """The documents of one installation.

    Args:
        client: of the cluster.
        index_prefix: of the installation.

    Raises (from every method):
        StoreUnavailable: the server does not answer.
        SinkError: it refuses the credentials.
    """

    def __init__(self, client: Elasticsearch, index_prefix: str) -> None:
        self._client = client
        self._prefix = index_prefix
        self._names = index_names(index_prefix)

    def count(self) -> int:
        """How many a search can see."""
        places = (self._names.articles_alias, self._names.revisions)
        return sum(count_documents(self._client, place) for place in places)

    def articles(self) -> Iterator[StoredVersion]:
        """Every document behind the alias; one id in two indices comes twice."""
        return scan_versions(self._client, self._names.articles_alias)

    def revisions(self) -> Iterator[StoredVersion]:
        """Every document of the revisions index."""
        return scan_versions(self._client, self._names.revisions)

    def url(self, article_id: str) -> str | None:
        """An article's address, None if the index does not know it."""
        stored = find_article(self._client, article_id, index_prefix=self._prefix)
        url = stored.document.get("url") if stored else None
        return url if isinstance(url, str) else None

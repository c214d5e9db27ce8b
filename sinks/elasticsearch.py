"""The client, and the indices as the templates ask for them.

    connect          URL and credentials -> client; nothing is sent yet
    ensure_indices   put templates -> create what is absent -> add missing fields -> refuse what contradicts -> alias

Both may run any number of times, by several processes at once, on an existing cluster. What the indices should be is
decided in mapping.py, what contradicts in differences.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import structlog
from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    BadRequestError,
    Elasticsearch,
    TransportError,
    UnsupportedProductError,
)

from sinks.differences import index_differences
from sinks.errors import SinkError, StoreUnavailable
from sinks.mapping import IndexNames, IndexTemplate, index_names, index_templates
from sinks.options import IndexerOptions

_BUSY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

log = structlog.get_logger(__name__)


def connect(
    urls: str,
    *,
    api_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
    ca_file: str | None = None,
    request_timeout_seconds: float = 60.0,
) -> Elasticsearch:
    """A client for one cluster; close it after use. It never retries by itself: when to try again is our decision.

    Args:
        urls: `http://host:9200`, or several separated by commas.
        api_key: encoded; takes precedence over username and password.
        username: for basic authentication.
        password: for basic authentication.
        ca_file: PEM file of the authority that signed the server's certificate.
        request_timeout_seconds: longest wait for one answer.

    Raises:
        SinkError: an URL or the authority's file cannot be used.
    """
    hosts = [url.strip() for url in urls.split(",") if url.strip()]
    credentials: dict[str, Any] = {}
    if api_key:
        credentials["api_key"] = api_key
    elif username:
        credentials["basic_auth"] = (username, password or "")
    if ca_file:
        if not Path(ca_file).is_file():  # the client would notice with its first request only
            raise SinkError(
                f"there is no file {ca_file}", "give the PEM file of the authority that signed the server's"
            )
        credentials["ca_certs"] = ca_file
    try:
        return Elasticsearch(
            hosts, **credentials, request_timeout=request_timeout_seconds, max_retries=0, retry_on_timeout=False
        )
    except (ValueError, OSError) as error:
        raise SinkError(
            f"Elasticsearch cannot be reached at {urls!r} ({error})",
            "give a URL such as http://127.0.0.1:9200 and, for https, the authority's PEM file",
        ) from error


def connect_with(options: IndexerOptions) -> Elasticsearch:
    """A client as the options say."""
    return connect(
        options.elasticsearch,
        api_key=options.api_key,
        username=options.username,
        password=options.password,
        ca_file=options.ca_file,
        request_timeout_seconds=options.request_timeout_seconds,
    )


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn the client's errors into ours.

    Raises:
        StoreUnavailable: no connection, 408, 429, 5xx.
        SinkError: credentials refused, or the server is not Elasticsearch. Other answers pass as they are.
    """
    try:
        yield
    except (AuthenticationException, AuthorizationException) as error:
        raise SinkError(
            f"Elasticsearch refuses the credentials ({_reason(error)})",
            "check api_key, or username and password, and the rights on the indices",
        ) from error
    except UnsupportedProductError as error:
        raise SinkError(f"the server is not Elasticsearch 8 or later ({error})", "check the URL") from error
    except TransportError as error:
        raise StoreUnavailable(str(error)) from error
    except ApiError as error:
        if error.status_code in _BUSY or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StoreUnavailable(_reason(error)) from error
        raise


def _reason(error: ApiError) -> str:
    body = error.body.get("error") if isinstance(error.body, dict) else error.body
    return str(body.get("reason") if isinstance(body, dict) else body or error)[:500]


def ensure_indices(client: Elasticsearch, options: IndexerOptions) -> None:
    """Make templates, indices and alias exist; change nothing that fits already.

    Raises:
        StoreUnavailable: try again later.
        SinkError: an index contradicts its template (the differences are in the problem), a name is taken by something
            else, or the credentials do not allow it.
    """
    names = index_names(options.index_prefix)
    with store_errors():
        if client.indices.exists(index=names.articles_alias) and not client.indices.exists_alias(
            name=names.articles_alias
        ):
            raise SinkError(
                f"{names.articles_alias} is an index, but must be an alias", "choose another index_prefix or delete it"
            )
        for template in index_templates(options):
            _put_template(client, template)
            _ensure_index(client, template, options)
        _ensure_alias(client, names)


def _put_template(client: Elasticsearch, template: IndexTemplate) -> None:
    try:
        client.cluster.put_component_template(
            name=template.index,
            template=template.component["template"],
            version=template.component["version"],
            meta=template.component["_meta"],
        )
        client.indices.put_index_template(name=template.index, **_composed(template))
    except AuthorizationException:
        # Those who may not create templates can have them created (`kiosque setup --print`): enough if the index is
        # there, and it is compared with the template anyway.
        if not client.indices.exists(index=template.index):
            raise
        log.warning("template not written", index=template.index, why="no permission")


def _composed(template: IndexTemplate) -> dict[str, Any]:
    return {{"_meta": "meta"}.get(name, name): value for name, value in template.composed.items()}


def _ensure_index(client: Elasticsearch, template: IndexTemplate, options: IndexerOptions) -> None:
    if not client.indices.exists(index=template.index):
        _create_index(client, template.index)
    mapping = client.indices.get_mapping(index=template.index)[template.index]["mappings"]
    settings = client.indices.get_settings(index=template.index)[template.index]["settings"]["index"]
    differences = index_differences(template.mappings, mapping, template.analysis, settings.get("analysis", {}))
    if differences.changed:
        raise SinkError(
            f"the index {template.index} contradicts its template: {'; '.join(differences.changed)}",
            "reindex into a new version, or choose another index_prefix",
        )
    if differences.missing:
        client.indices.put_mapping(index=template.index, properties=template.mappings["properties"])
        log.info("fields added", index=template.index, fields=differences.missing)
    if settings.get("refresh_interval") != options.refresh_interval:
        wanted = {"index.refresh_interval": options.refresh_interval}
        client.indices.put_settings(index=template.index, settings=wanted)
        log.info("refresh interval set", index=template.index, refresh_interval=options.refresh_interval)


def _create_index(client: Elasticsearch, index: str) -> None:
    try:
        client.indices.create(index=index)
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
        return  # another process was faster
    log.info("index created", index=index)


def _ensure_alias(client: Elasticsearch, names: IndexNames) -> None:
    """Point the alias at our index, unless it points somewhere: while reindexing, the older version answers."""
    if not client.indices.exists_alias(name=names.articles_alias):
        client.indices.put_alias(index=names.articles, name=names.articles_alias)
        log.info("alias created", alias=names.articles_alias, index=names.articles)

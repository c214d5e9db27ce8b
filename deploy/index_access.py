"""Reading the index for people: a client from the settings, and the sinks' errors as sentences."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from elasticsearch import Elasticsearch

from deploy.errors import ServerAbsent, UserError
from deploy.settings import Settings
from deploy.sink_options import indexer_options
from sinks.elasticsearch import connect_with
from sinks.errors import SinkError, Unavailable


@contextmanager
def open_index(settings: Settings) -> Iterator[Elasticsearch]:
    """A client, closed at the end.

    Raises:
        ServerAbsent: Elasticsearch does not answer.
        UserError: it refuses the credentials or the request.
    """
    with index_errors(settings), closing(connect_with(indexer_options(settings))) as client:
        yield client


@contextmanager
def index_errors(settings: Settings) -> Iterator[None]:
    """The sinks' errors as sentences with a next step."""
    try:
        yield
    except Unavailable as error:
        raise ServerAbsent(
            f"no Elasticsearch answers at {settings.elasticsearch}",
            "start it (`kiosque up` does on this machine), or correct KIOSQUE_ELASTICSEARCH",
        ) from error
    except SinkError as error:
        raise UserError(error.problem, error.advice) from error

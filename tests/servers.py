"""The real servers for tests: one local stack for a whole test session, started by the first test that asks for it.

A test that uses the fixture carries `@pytest.mark.servers`. The stack is shared, so a test makes topics and indices
with names of its own and never kills a server: who needs to kill one starts another stack in a `new_data_dir`.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.stack.local_stack import LocalStack


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A running Kafka (`stack.kafka`, "127.0.0.1:PORT") and Elasticsearch (`stack.elasticsearch`, a URL)."""
    with new_data_dir() as data_dir, LocalStack(data_dir, elasticsearch_heap="400m", kafka_heap="256m") as running:
        yield running


@contextmanager
def new_data_dir() -> Iterator[Path]:
    """An empty data directory, removed afterwards.

    Not below pytest's own temporary folder: that one is closed to others, and for root Elasticsearch runs as another.
    """
    folder = Path(tempfile.mkdtemp(prefix="kiosque-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""What all tests share: where the corpus is, and that servers and corpus are optional."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.servers"]

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if corpus_folder() is None:
        skip = pytest.mark.skip(reason="no corpus beside the project (KIOSQUE_CORPUS)")
        for item in items:
            if item.get_closest_marker("corpus"):
                item.add_marker(skip)


def corpus_folder() -> Path | None:
    """The real pages and evaluation sets, which are never part of the project."""
    folder = Path(os.environ.get("KIOSQUE_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = corpus_folder()
    assert folder is not None, "marked tests are skipped without it"
    return folder

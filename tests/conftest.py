"""What all tests share: where the corpus is, and that servers and corpus are optional."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.servers"]

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the absent corpus; keep together what shares servers, so that workers do not start them twice."""
    skip = None if corpus_folder() else pytest.mark.skip(reason="no corpus beside the project (KIOSQUE_CORPUS)")
    for item in items:
        if skip and item.get_closest_marker("corpus"):
            item.add_marker(skip)
        if item.get_closest_marker("servers"):
            shared = "stack" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("stack" if shared else item.path.stem))


def corpus_folder() -> Path | None:
    """The real pages and evaluation sets, which are never part of the project."""
    folder = Path(os.environ.get("KIOSQUE_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = corpus_folder()
    assert folder is not None, "marked tests are skipped without it"
    return folder

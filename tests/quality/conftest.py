"""What the quality tests share: the models, the floors, and the corpus where there is one."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from processors.enrich import Labels, Tagger
from processors.inspection import shared_tagger

HERE = Path(__file__).parent
CORPUS = Path(os.environ.get("KIOSQUE_CORPUS", HERE.parents[2] / "shared" / "corpus"))


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return shared_tagger()


@pytest.fixture(scope="session")
def corpus() -> Path:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}")
    return CORPUS


@pytest.fixture(scope="session")
def floors() -> Mapping[str, float]:
    return {name: row["floor"] for name, row in json.loads((HERE / "floors.json").read_text("utf-8")).items()}


@pytest.fixture
def holds(floors: Mapping[str, float], record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Check a measured score against its floor; floors only rise, by hand, with the measurement beside them."""

    def check(name: str, measured: float) -> None:
        record_property(name, round(measured, 4))
        assert measured >= floors[name], f"{name}: {measured:.4f} is below its floor {floors[name]}"

    return check


@pytest.fixture(scope="session")
def own_articles() -> list[dict[str, Any]]:
    """Short articles written for this project, with what a reader would mark."""
    rows: list[dict[str, Any]] = json.loads((HERE / "articles.json").read_text("utf-8"))
    return rows


@pytest.fixture(scope="session")
def labelled(tagger: Tagger, own_articles: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Labels]]:
    """Our articles with what the tagger says of them."""
    return [(article, tagger.labels(article["title"], article["text"])) for article in own_articles]

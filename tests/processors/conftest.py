"""Models and lexicons for the tests of this room: loaded once for the whole session."""

import pytest

from processors.enrich import Tagger
from processors.inspection import shared_tagger
from processors.models import Lexicons, load_lexicons


@pytest.fixture(scope="session")
def lexicons() -> Lexicons:
    return load_lexicons()


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    return shared_tagger()

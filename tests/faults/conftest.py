from pathlib import Path

import pytest

from deploy.stack.local_stack import LocalStack
from tests.services import Installation


@pytest.fixture
def installation(stack: LocalStack, tmp_path: Path) -> Installation:
    made = Installation(stack, tmp_path)
    made.make_topics()
    return made

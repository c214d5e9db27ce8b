import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def open_tmp_path(tmp_path: Path) -> Path:
    """pytest's folder for this test, with the way to it open to other users: it is closed as it comes."""
    top = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if folder == top:
            break
        folder.chmod(0o755)
    return tmp_path

from pathlib import Path

import pytest

from deploy.stack.cache import SYSTEM_CACHE, default_cache_dir, first_closed_folder

HOME = Path("/home/ada")


@pytest.mark.parametrize(
    ("environ", "home_is_closed", "expected"),
    [
        pytest.param({}, False, HOME / ".cache/kiosque", id="a normal user"),
        pytest.param({"XDG_CACHE_HOME": "/xdg"}, False, Path("/xdg/kiosque"), id="XDG"),
        pytest.param({"KIOSQUE_CACHE_DIR": "/k", "XDG_CACHE_HOME": "/xdg"}, True, Path("/k"), id="named"),
        pytest.param({}, True, SYSTEM_CACHE, id="root with a closed home"),
    ],
)
def test_cache_folder(environ: dict[str, str], home_is_closed: bool, expected: Path) -> None:
    assert default_cache_dir(environ, HOME, home_is_closed_to_servers=home_is_closed) == expected


def test_outermost_closed_folder_on_the_way(open_tmp_path: Path) -> None:
    closed, inner = open_tmp_path / "closed", open_tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o700)
    closed.chmod(0o700)
    assert first_closed_folder(inner / "not" / "there") == closed


def test_open_folders_have_none() -> None:
    assert first_closed_folder(Path("/usr/bin/not-there")) is None

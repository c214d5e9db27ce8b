"""Where downloaded things live: one folder for each user, safe to delete at any time.

Standard library only: `deploy/bootstrap.py` imports this before anything is installed.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

SYSTEM_CACHE = Path("/var/cache/kiosque")
"""For root with a closed home: Elasticsearch refuses to run as root, and another user cannot enter that home."""


def default_cache_dir(environ: Mapping[str, str], home: Path, *, home_is_closed_to_servers: bool) -> Path:
    """The cache folder.

    Args:
        environ: the environment; `KIOSQUE_CACHE_DIR` wins, then `XDG_CACHE_HOME`.
        home: the user's home directory.
        home_is_closed_to_servers: we are root, and the user that Elasticsearch runs as cannot enter `home`.
    """
    if named := environ.get("KIOSQUE_CACHE_DIR"):
        return Path(named).expanduser().absolute()
    if xdg := environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "kiosque"
    return SYSTEM_CACHE if home_is_closed_to_servers else home / ".cache" / "kiosque"


def cache_dir() -> Path:
    """The cache folder of this user on this machine (not created)."""
    home = Path.home()
    closed = os.geteuid() == 0 and first_closed_folder(home) is not None
    return default_cache_dir(os.environ, home, home_is_closed_to_servers=closed)


def first_closed_folder(path: Path) -> Path | None:
    """The outermost existing folder on the way to `path`, or `path` itself, that strangers may not enter.

    Args:
        path: file or folder; it need not exist yet.
    """
    for folder in _folders_down_to(path):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def _folders_down_to(path: Path) -> Iterator[Path]:
    resolved = path.resolve()
    return (folder for folder in [*reversed(resolved.parents), resolved] if folder.is_dir())

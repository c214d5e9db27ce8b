"""Bring the servers into the cache.

    plan ─► lock the cache ─► Kafka: 36 jars ─► Elasticsearch: archive ─► unpack one folder ─► drop the archive

    python -m deploy.stack.fetch        fetch what is missing, quietly if nothing is

Whatever interrupts it, the next run goes on: finished files are kept, an archive that has arrived is not fetched again,
and the server's folder appears under its name only when it is complete.
"""

import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from rich.console import Console

from deploy.errors import UserError
from deploy.stack import artifacts, pins
from deploy.stack.artifacts import Download, MavenDownload
from deploy.stack.cache import cache_dir
from deploy.stack.locks import waited_for_lock
from deploy.stack.progress import DownloadProgress, progress_for

FOLDER_IN_ARCHIVE = "elasticsearch"
EMPTY_FOLDERS = ("plugins", "logs")
"""Folders that the server expects in its home and an archive cannot carry empty."""


class ServerFiles:
    """The servers' files in one cache folder.

    Args:
        cache: the folder; made if missing.
        progress: shows downloads.
        report: gets a line for each step.
        download: the edge to the network; None for the Maven repository (or the mirror that
            `KIOSQUE_MAVEN_MIRROR` names).
    """

    def __init__(
        self, cache: Path, progress: DownloadProgress, report: Callable[[str], None], download: Download | None = None
    ) -> None:
        self._cache = cache
        self._progress = progress
        self._report = report
        self._download = download or MavenDownload(os.environ.get("KIOSQUE_MAVEN_MIRROR"))

    def fetch(self, *, kafka: bool = True, elasticsearch: bool = True) -> None:
        """Fetch what is missing.

        Raises:
            StackError: see `artifacts`; what has arrived is kept.
        """
        if all(item.present for item in pins.fetch_plan(self._cache, kafka=kafka, elasticsearch=elasticsearch)):
            return
        with artifacts.clear_errors("the cache", self._cache):
            self._make_cache()
            with waited_for_lock(self._cache / "lock", self._say_waiting):
                self._fetch_missing(kafka=kafka, elasticsearch=elasticsearch)

    def _fetch_missing(self, *, kafka: bool, elasticsearch: bool) -> None:
        plan = pins.fetch_plan(self._cache, kafka=kafka, elasticsearch=elasticsearch)  # another may have fetched it
        needed = sum(item.download_bytes + (0 if item.present else item.kept_bytes) for item in plan)
        artifacts.need_free_space(self._cache, needed)
        if kafka:
            self._fetch_kafka()
        if elasticsearch and not pins.elasticsearch_folder(self._cache).is_dir():
            self._fetch_elasticsearch()

    def _make_cache(self) -> None:
        self._cache.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:  # whatever the umask: the servers' user must get in
            self._cache.chmod(0o755)

    def _say_waiting(self) -> None:
        self._report(f"Another process is fetching into {self._cache}: waiting for it")

    def _temporary(self) -> Path:
        return self._cache / "unfinished"

    def _fetch_kafka(self) -> None:
        folder = pins.kafka_folder(self._cache)
        jars = [jar for jar in pins.kafka_artifacts() if not pins.is_present(jar, folder)]
        if not jars:
            return
        with self._progress.download(f"Kafka {pins.KAFKA_VERSION}", sum(jar.size_bytes for jar in jars)) as advance:
            artifacts.fetch_artifacts(jars, folder, self._download, advance, self._temporary())

    def _fetch_elasticsearch(self) -> None:
        archive, folder = pins.ELASTICSEARCH_ARCHIVE, pins.archive_folder(self._cache)
        if not pins.is_present(archive, folder):
            with self._progress.download(f"Elasticsearch {pins.ELASTICSEARCH_VERSION}", archive.size_bytes) as advance:
                artifacts.fetch_artifacts([archive], folder, self._download, advance, self._temporary())
        self._report(f"Unpacking Elasticsearch {pins.ELASTICSEARCH_VERSION} into {self._cache}")
        with artifacts.clear_errors("Elasticsearch", self._cache):
            self._unpack()
        shutil.rmtree(folder)

    def _unpack(self) -> None:
        temporary = self._temporary()
        shutil.rmtree(temporary, ignore_errors=True)
        unpack_folder(
            pins.archive_folder(self._cache) / pins.ELASTICSEARCH_ARCHIVE.filename, FOLDER_IN_ARCHIVE, temporary
        )
        for name in EMPTY_FOLDERS:
            make_open_folder(temporary / name)
        temporary.replace(pins.elasticsearch_folder(self._cache))


def unpack_folder(archive: Path, name: str, target: Path) -> None:
    """Unpack one folder of an archive that has a single top folder.

    Args:
        archive: a zip file, already checked against its pinned checksum.
        name: the folder below the top folder.
        target: gets the folder's content, readable for everybody whatever the umask.

    Raises:
        OSError: it could not be written; or (as an OSError too) the folder is not in the archive.
    """
    make_open_folder(target)
    found = False
    with zipfile.ZipFile(archive) as content:
        for member in content.infolist():
            parts = PurePosixPath(member.filename).parts
            if len(parts) < 3 or parts[1] != name or member.is_dir():  # noqa: PLR2004 - top folder, name, file
                continue
            file = target.joinpath(*parts[2:])
            for folder in reversed([parent for parent in file.parents if target in parent.parents]):
                make_open_folder(folder)
            with content.open(member) as source, file.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            file.chmod(0o644)
            found = True
    if not found:
        raise FileNotFoundError(f"no folder {name} in {archive}")


def make_open_folder(folder: Path) -> None:
    """Make a folder that everybody may enter and read, whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def fetch_servers(cache: Path, report: Callable[[str], None], console: Console, **wanted: bool) -> None:
    """Fetch what is missing, showing progress on a console (a bar if it is a terminal, lines through `report` if not).

    Args:
        cache: the cache folder.
        report: gets a line for each step.
        console: where a bar can be drawn.
        wanted: kafka, elasticsearch (default: both).

    Raises:
        StackError: see `ServerFiles.fetch`.
    """
    ServerFiles(cache, progress_for(console, report), report).fetch(**wanted)


def main() -> int:
    """Fetch the servers, as a program of its own; 0, or the exit code of what went wrong."""
    console = Console(stderr=True)
    try:
        fetch_servers(cache_dir(), lambda line: console.print(line, markup=False, highlight=False), console)
    except UserError as problem:
        console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        return problem.exit_code
    except KeyboardInterrupt:
        console.print("Interrupted; the next run goes on from here.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

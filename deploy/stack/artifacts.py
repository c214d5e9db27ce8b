"""How each pinned file gets into the cache.

    pinned artifact ─► Maven download into a temporary folder ─► our sha256 ─► os.replace into place

A file under its final name is therefore always whole and the one we pinned; whatever interrupts a download leaves only
rubbish in the temporary folder, which the next run throws away. Finished files stay, so an interrupted fetch goes on
with the next file. No repository is named here: the Maven client knows the public one, a setting gives a mirror.

The servers are fetched at run time from where their makers publish them. They are never part of what we distribute.
"""

import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import requests
from jgo.maven import MavenContext, PythonResolver

from deploy.errors import StackError
from deploy.stack.pins import Artifact, is_present
from deploy.stack.progress import Advance

NETWORK_TIMEOUT_SECONDS = 30


class Download(Protocol):
    """Brings one artifact into a folder; the edge to the network."""

    def __call__(self, artifact: Artifact, folder: Path, advance: Advance) -> Path:
        """Download into `folder`, calling `advance` as bytes arrive; returns the file.

        Raises:
            requests.RequestException: no network, no answer, an answer that broke off.
            RuntimeError: the repository does not have it.
            OSError: it could not be written.
        """
        ...


class MavenDownload:
    """Downloads with the Maven client `jgo`.

    Args:
        mirror: address of a repository to use in place of the public one.
    """

    def __init__(self, mirror: str | None = None) -> None:
        self._repositories = {"mirror": mirror.rstrip("/")} if mirror else None

    def __call__(self, artifact: Artifact, folder: Path, advance: Advance) -> Path:
        """See `Download`."""

        def shown(_filename: str, _total_bytes: int) -> AbstractContextManager[Advance]:
            return nullcontext(advance)

        context = MavenContext(
            resolver=PythonResolver(progress_callback=shown),
            repo_cache=folder,
            remote_repos=self._repositories,
            timeout=NETWORK_TIMEOUT_SECONDS,
        )
        group, name, version, packaging = artifact.coordinates
        resolved = context.project(group, name).at_version(version).artifact(packaging=packaging).resolve()
        return Path(resolved)


def fetch_artifacts(
    artifacts: Iterable[Artifact], folder: Path, download: Download, advance: Advance, temporary: Path
) -> None:
    """Bring every artifact that is missing into the folder.

    Args:
        artifacts: what is wanted.
        folder: where it goes; made if missing.
        download: the edge to the network.
        advance: told the bytes that arrive.
        temporary: a folder of ours on the same file system; emptied.

    Raises:
        StackError: no network, an interrupted download, a wrong checksum, a full disk.
    """
    for artifact in artifacts:
        if not is_present(artifact, folder):
            with clear_errors(artifact.filename, folder):
                _fetch(artifact, folder, download, advance, temporary)


def _fetch(artifact: Artifact, folder: Path, download: Download, advance: Advance, temporary: Path) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(parents=True)
    file = download(artifact, temporary, advance)
    check_artifact(artifact, file)
    file.replace(folder / artifact.filename)
    shutil.rmtree(temporary, ignore_errors=True)


def check_artifact(artifact: Artifact, file: Path) -> None:
    """Compare a file with what is pinned.

    Raises:
        StackError: it is shorter, or it is another file.
    """
    size_bytes = file.stat().st_size
    if size_bytes < artifact.size_bytes:
        raise StackError(
            f"the download of {artifact.filename} broke off after {size_bytes} of {artifact.size_bytes} bytes",
            "run the same command again",
        )
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if sha256 != artifact.sha256:
        raise StackError(
            f"the checksum of {artifact.filename} is wrong (expected sha256 {artifact.sha256}, got {sha256})",
            "check the mirror or proxy between this machine and the public Maven repository, then run it again",
        )


@contextmanager
def clear_errors(what: str, folder: Path) -> Iterator[None]:
    """Turn what can go wrong while something is fetched or unpacked into one sentence.

    Args:
        what: what is being fetched, for the sentence.
        folder: where it is to go.

    Raises:
        StackError: with the next step.
    """
    try:
        yield
    except requests.RequestException as problem:  # an OSError too, so it comes first
        if full := _no_space(problem):
            raise _disk_full(what, folder) from full
        raise StackError(
            f"{what} could not be downloaded ({_innermost(problem)})",
            "check the network (or name a mirror with KIOSQUE_MAVEN_MIRROR), then run the same command again",
        ) from problem
    except OSError as problem:
        if _no_space(problem):
            raise _disk_full(what, folder) from problem
        raise StackError(
            f"{what} could not be written below {folder} ({problem.strerror or problem})",
            "make that folder writable, or choose another with KIOSQUE_CACHE_DIR",
        ) from problem
    except RuntimeError as problem:
        raise StackError(
            f"the Maven repository does not give {what}", "check KIOSQUE_MAVEN_MIRROR if it is set, then run it again"
        ) from problem


def need_free_space(folder: Path, needed_bytes: int) -> None:
    """Refuse early what could only end with a full disk.

    Raises:
        StackError: fewer bytes are free where `folder` is or will be.
    """
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < needed_bytes:
        raise StackError(
            f"the disk is too full: {folder} needs {needed_bytes / 1e6:.0f} MB, {free_bytes / 1e6:.0f} MB are free",
            "free some space, or choose another folder with KIOSQUE_CACHE_DIR",
        )


def _disk_full(what: str, folder: Path) -> StackError:
    return StackError(
        f"the disk is full: {what} does not fit below {folder}",
        "free some space, or choose another folder with KIOSQUE_CACHE_DIR, then run the same command again",
    )


def _chain(problem: BaseException) -> list[BaseException]:
    chain = [problem]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain


def _no_space(problem: BaseException) -> BaseException | None:
    full = (errno.ENOSPC, errno.EDQUOT)
    return next((one for one in _chain(problem) if isinstance(one, OSError) and one.errno in full), None)


def _innermost(problem: BaseException) -> str:
    deepest = _chain(problem)[-1]
    return f"{type(deepest).__name__}: {deepest}" if str(deepest) else type(deepest).__name__

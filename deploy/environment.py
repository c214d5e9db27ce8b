"""The virtual environment of a clone: what it was made from, and how it is made.

    .venv ─► uv (pinned, by pip, into the cache) ─► packages of the lock file ─► the project itself ─► stamp

The stamp, written last, says what the environment was made from; without it the environment counts as unfinished and
is made again. Packages stay in uv's cache inside ours, so another clone needs no network. No package index is named
here: pip's own configuration on this machine holds, and is handed on to uv, which does not read it.

Standard library only: `bootstrap.py` uses this before anything is installed.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.errors import UserError

Mode = Literal["runtime", "dev"]
"""What is installed: dev is a superset."""

LOCKS: Mapping[Mode, str] = {"runtime": "requirements.lock", "dev": "requirements-dev.lock"}
UV_PINS = "deploy/requirements-uv.txt"
STAMPED_FILES = ("pyproject.toml", "deploy/environment.py", UV_PINS)
PIP_SETTINGS_FOR_UV = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}


@dataclass(frozen=True)
class Environment:
    """The virtual environment of one clone.

    Attributes:
        root: the clone.
        cache: the cache folder.
    """

    root: Path
    cache: Path

    @property
    def folder(self) -> Path:
        """The virtual environment."""
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def uv(self) -> Path:
        """The pinned uv in the cache; there only when complete."""
        pins = (self.root / UV_PINS).read_text(encoding="utf-8")
        return self.cache / f"uv-{re.findall(r'^uv==([0-9.]+)', pins, re.MULTILINE)[0]}" / "bin" / "uv"

    @property
    def stamp_file(self) -> Path:
        """Says what it was made from; absent while it is not complete."""
        return self.folder / "kiosque-stamp.json"

    def packages_marker(self, mode: Mode) -> Path:
        """Exists in the cache if every package of the lock file has been downloaded for this Python."""
        digest = hashlib.sha256((self.root / LOCKS[mode]).read_bytes() + sys.version.encode()).hexdigest()
        return self.cache / f"packages-{digest[:16]}"

    def mode(self, wanted: Mode) -> Mode:
        """What to make: what is wanted, but a development environment stays one."""
        return "dev" if self._stamp().get("mode") == "dev" else wanted

    def is_current(self, mode: Mode) -> bool:
        """Whether it is complete and made from the files as they are now."""
        return self._stamp() == {"mode": mode, "made_from": self._made_from(mode)} and self.python.exists()

    def write_stamp(self, mode: Mode) -> None:
        """Say that it is complete."""
        stamp = {"mode": mode, "made_from": self._made_from(mode)}
        self.stamp_file.write_text(json.dumps(stamp) + "\n", encoding="utf-8")

    def _made_from(self, mode: Mode) -> str:
        # The place counts too: the scripts in .venv/bin have absolute paths.
        digest = hashlib.sha256(f"{sys.version}\0{self.root}\0".encode())
        for name in (LOCKS[mode], *STAMPED_FILES):
            digest.update((self.root / name).read_bytes())
        return digest.hexdigest()

    def _stamp(self) -> dict[str, str]:
        try:
            stamp = json.loads(self.stamp_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}


def make_environment(environment: Environment, mode: Mode, say: Callable[[str], None]) -> None:
    """Make the environment what the lock file says.

    Args:
        environment: which one.
        mode: what to install.
        say: gets a line for each large download.

    Raises:
        UserError: no venv in this Python, no network, a wrong hash.
    """
    environment.stamp_file.unlink(missing_ok=True)
    if not works(environment.python):
        create_venv(environment.folder, with_pip=not environment.uv.exists())
    if not environment.uv.exists():
        install_uv(environment)
    uv = Uv(environment, uv_variables(environment))
    sync = ["sync", "--require-hashes", LOCKS[mode]]
    if uv.pip(*sync, "--offline"):  # what the cache lacks, the network must bring
        problem = uv.pip(*sync, say=say)
        if problem:
            raise UserError(
                f"the Python packages could not be installed ({problem})", "check the network, then run it again"
            )
    environment.packages_marker(mode).touch()
    problem = uv.pip("install", "--offline", "--no-deps", "--no-build-isolation", "--editable", ".")
    if problem:
        raise UserError(f"the project could not be installed into .venv ({problem})", "remove .venv, then run it again")
    environment.write_stamp(mode)


def works(python: Path) -> bool:
    """Whether that interpreter exists, runs, and is the same version as this one."""
    command = [str(python), "-c", "import sys; print(sys.version)"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == sys.version.strip()


def create_venv(folder: Path, *, with_pip: bool) -> None:
    """Make an empty virtual environment.

    Raises:
        UserError: this Python lacks the modules for it.
    """
    command = [sys.executable, "-m", "venv", "--clear", *([] if with_pip else ["--without-pip"]), str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        problem = last_line(made.stdout + made.stderr)
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise UserError(
            f"this Python ({sys.executable}) cannot make a virtual environment ({problem})",
            f"install what it lacks, e.g. with `apt install {package}`, then run it again",
        )


def install_uv(environment: Environment) -> None:
    """Bring the pinned uv into the cache with pip, which knows this machine's index and certificates.

    Raises:
        UserError: no network, a wrong hash.
    """
    folder = environment.uv.parent.parent
    temporary = folder.with_name(f"{folder.name}.unfinished")
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode != 0:
        create_venv(environment.folder, with_pip=True)
    options = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--target", str(temporary)]
    command = [*pip, "install", *options, "-r", str(environment.root / UV_PINS)]
    environment.cache.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(environment.cache):
        if environment.uv.exists():  # another clone was faster
            return
        shutil.rmtree(temporary, ignore_errors=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            problem = last_line(done.stderr)
            raise UserError(
                f"the installer uv could not be fetched ({problem})", "check the network, then run it again"
            )
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, so that two runs do not install over each other."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def uv_variables(environment: Environment) -> dict[str, str]:
    """Our environment variables, with what uv must know: its cache, and pip's settings on this machine."""
    listed = ""
    for python in (sys.executable, environment.python):  # either may be without pip
        command = [str(python), "-m", "pip", "config", "list"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            listed = answer.stdout
            break
    own = {"UV_CACHE_DIR": str(environment.cache / "uv-cache"), "UV_PYTHON_DOWNLOADS": "never"}
    return {**uv_settings_from_pip(listed), "UV_HTTP_TIMEOUT": "180", **os.environ, **own}


def uv_settings_from_pip(pip_config_list: str) -> dict[str, str]:
    """Environment variables for uv that say the same as what `pip config list` printed."""
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # the later one wins, as in pip
        for name, value in re.findall(rf"^{section}\.([\w-]+)='(.*)'$", pip_config_list, re.MULTILINE):
            if variable := PIP_SETTINGS_FOR_UV.get(name):
                settings[variable] = value
    return settings


@dataclass(frozen=True)
class Uv:
    """Runs the pinned uv on an environment.

    Attributes:
        environment: the one that it changes.
        variables: all environment variables of uv.
    """

    environment: Environment
    variables: Mapping[str, str]

    def pip(self, command: str, *arguments: str, say: Callable[[str], None] | None = None) -> str | None:
        """Run `uv pip COMMAND`; None if it succeeded, else what it said last.

        Args:
            command: sync or install.
            arguments: the rest of the command line.
            say: gets what it says, without the list of every single package; None for nobody.
        """
        call: Sequence[str] = [str(self.environment.uv), "pip", command, "--python", str(self.environment.python)]
        said: list[str] = []
        with subprocess.Popen(
            [*call, *arguments],
            cwd=self.environment.root,
            env=dict(self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                said.append(line)
                if say and not re.match(r" ([+~-]|Downloaded) ", line):
                    say("  " + line.rstrip())
        return None if process.returncode == 0 else last_line("".join(said))


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


if __name__ == "__main__":  # for `make lock`: where the pinned uv is
    from deploy.stack.cache import cache_dir

    sys.stdout.write(f"{Environment(Path(__file__).resolve().parent.parent, cache_dir()).uv}\n")

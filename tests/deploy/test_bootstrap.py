import subprocess
import sys
from pathlib import Path

import pytest

from deploy import bootstrap, environment
from deploy.environment import Environment, last_line, uv_settings_from_pip
from deploy.errors import UserError
from deploy.stack.pins import FetchItem

ROOT = Path(__file__).parents[2]
KAFKA = FetchItem("Kafka 4.2.2", Path("/c/kafka"), 30_000_000, 30_000_000, present=False)
ELASTICSEARCH = FetchItem("Elasticsearch 8.19.13", Path("/c/es"), 921_000_000, 160_000_000, present=False)


@pytest.fixture
def clone(tmp_path: Path) -> Environment:
    """A clone with the files that decide what is installed, and an environment that looks finished."""
    for name in (*environment.LOCKS.values(), *environment.STAMPED_FILES):
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}\nuv==1.2.3 \\\n")
    one = Environment(tmp_path / "clone", tmp_path / "cache")
    one.python.parent.mkdir(parents=True)
    one.python.symlink_to(sys.executable)
    one.cache.mkdir()
    return one


@pytest.mark.parametrize(
    ("version", "refused"), [((3, 11, 0), False), ((3, 14, 2), False), ((3, 10, 13), True), ((2, 7), True)]
)
def test_old_python_gets_one_sentence(version: tuple[int, ...], refused: bool) -> None:
    sentence = bootstrap.too_old(version)
    assert (sentence is not None) == refused
    assert sentence is None or sentence.startswith(f"This is Python {'.'.join(map(str, version))}, Kiosque needs 3.11")


def test_stamp_makes_the_second_run_idle(clone: Environment) -> None:
    assert not clone.is_current("runtime")
    clone.write_stamp("runtime")
    assert clone.is_current("runtime")
    assert not clone.is_current("dev")


@pytest.mark.parametrize("name", ["requirements.lock", *environment.STAMPED_FILES])
def test_a_change_of_any_input_makes_it_stale(clone: Environment, name: str) -> None:
    clone.write_stamp("runtime")
    (clone.root / name).write_text("changed")
    assert not clone.is_current("runtime")


def test_another_place_makes_it_stale(clone: Environment, tmp_path: Path) -> None:
    clone.write_stamp("runtime")
    clone.root.rename(tmp_path / "moved")
    assert not Environment(tmp_path / "moved", clone.cache).is_current("runtime")


def test_a_broken_stamp_or_interpreter_makes_it_stale(clone: Environment) -> None:
    clone.write_stamp("runtime")
    stamp = clone.stamp_file.read_text()
    clone.stamp_file.write_text(stamp[:20])
    assert not clone.is_current("runtime")
    clone.stamp_file.write_text(stamp)
    clone.python.unlink()
    assert not clone.is_current("runtime")


def test_a_development_environment_stays_one(clone: Environment) -> None:
    assert clone.mode("runtime") == "runtime"
    clone.write_stamp("dev")
    assert (clone.mode("runtime"), clone.mode("dev")) == ("dev", "dev")


def test_uv_is_kept_by_version(clone: Environment) -> None:
    assert clone.uv == clone.cache / "uv-1.2.3" / "bin" / "uv"
    assert Environment(ROOT, clone.cache).uv.parts[-3].startswith("uv-0.")


def test_first_line_of_a_first_run(clone: Environment) -> None:
    assert bootstrap.announcement(clone, "runtime", [KAFKA, ELASTICSEARCH]) == (
        f"Setting up Python packages (up to {bootstrap.DOWNLOAD_MB['runtime']} MB to download, "
        f"{bootstrap.INSTALLED_MB['runtime']} MB installed) into .venv, and Kafka 4.2.2 and Elasticsearch 8.19.13 "
        f"(951 MB to download, 190 MB kept) into {clone.cache}. To remove it all: rm -rf .venv {clone.cache}"
    )


def test_first_line_when_only_a_server_is_missing(clone: Environment) -> None:
    clone.write_stamp("runtime")
    assert bootstrap.announcement(clone, "runtime", [KAFKA]) == (
        f"Setting up Kafka 4.2.2 (30 MB to download, 30 MB kept) into {clone.cache}. "
        f"To remove it all: rm -rf .venv {clone.cache}"
    )


def test_first_line_of_a_second_clone(clone: Environment) -> None:
    clone.packages_marker("dev").touch()
    assert "Python packages (downloaded before, " in bootstrap.announcement(clone, "dev", [])


def test_pip_settings_of_this_machine_hold_for_uv() -> None:
    listed = (
        "global.cert='/certs.pem'\n"
        "global.index-url='one'\n"
        "install.index-url='two'\n"
        ":env:.extra-index-url='three'\n"
        "global.timeout='60'\n"
    )
    assert uv_settings_from_pip(listed) == {
        "SSL_CERT_FILE": "/certs.pem",
        "UV_DEFAULT_INDEX": "two",
        "UV_INDEX": "three",
    }


def test_python_without_venv_is_one_sentence(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(environment.sys, "executable", str(broken))
    with pytest.raises(UserError, match=r"cannot make a virtual environment \(No module named venv\): install what it"):
        environment.create_venv(clone.folder, with_pip=True)


def test_network_that_is_missing_is_one_sentence_and_leaves_no_stamp(clone: Environment) -> None:
    clone.write_stamp("dev")
    clone.uv.parent.mkdir(parents=True)
    clone.uv.write_text("#!/bin/sh\necho 'error: failed to fetch'\nexit 2\n")
    clone.uv.chmod(0o755)
    said: list[str] = []
    with pytest.raises(UserError, match=r"could not be installed \(error: failed to fetch\): check the network"):
        environment.make_environment(clone, "runtime", said.append)
    assert said == ["  error: failed to fetch"]
    assert not clone.stamp_file.exists()


def test_list_of_every_package_is_not_shown(clone: Environment) -> None:
    clone.uv.parent.mkdir(parents=True)
    clone.uv.write_text(
        "#!/bin/sh\nprintf 'Downloading a (9MiB)\\n Downloaded a\\nInstalled 2 packages\\n + a==1\\n + b==2\\n'"
    )
    clone.uv.chmod(0o755)
    said: list[str] = []
    assert environment.Uv(clone, {}).pip("sync", say=said.append) is None
    assert said == ["  Downloading a (9MiB)", "  Installed 2 packages"]


@pytest.mark.parametrize(("text", "last"), [("a\nb \n\n", "b"), ("", "no message")])
def test_last_line(text: str, last: str) -> None:
    assert last_line(text) == last


def test_bare_make_prints_help_for_every_target() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  make ")]
    wanted = ["help", "setup", "demo", "up"]
    wanted += ["test", "test-fast", "chaos", "protections", "check", "fix", "generate", "lock", "clean"]
    assert targets == wanted

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.errors import StackError
from deploy.stack.java import (
    JavaCandidate,
    candidate_from_output,
    find_java,
    first_usable,
    package_advice,
    places_to_look,
    unusable_because,
)

JDK = frozenset({"java.base", "jdk.jlink", "jdk.jdi"})
PRINTED = """Property settings:
    java.home = {home}
    java.version = {version}.0.1

java.base@{version}.0.1
{modules}
"""


def java_in(home: Path, version: int, *modules: str) -> Path:
    """A program that answers as that Java would."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    answer = PRINTED.format(home=home, version=version, modules="\n".join(f"{one}@{version}" for one in modules))
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}END\n")
    program.chmod(0o755)
    return home


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        pytest.param(JavaCandidate(Path("/j"), 17, JDK), None, id="just enough"),
        pytest.param(JavaCandidate(Path("/j"), None, frozenset()), "does not run", id="broken"),
        pytest.param(JavaCandidate(Path("/j"), 11, JDK), "is Java 11, older than 17", id="old"),
        pytest.param(
            JavaCandidate(Path("/j"), 21, frozenset({"java.base"})),
            "has no jdk.jdi and no jdk.jlink (a JRE, not a JDK)",
            id="JRE",
        ),
        pytest.param(
            JavaCandidate(Path("/root/j"), 21, JDK, Path("/root")),
            "lies below /root, closed to the user that Elasticsearch runs as",
            id="closed",
        ),
    ],
)
def test_what_counts_as_usable(candidate: JavaCandidate, reason: str | None) -> None:
    assert unusable_because(candidate, 17) == reason


def test_nothing_is_asked_for_after_the_first_usable_one() -> None:
    good = JavaCandidate(Path("/b"), 17, JDK)

    def candidates():
        yield JavaCandidate(Path("/a"), 8, JDK)
        yield good
        pytest.fail("asked for another")

    assert first_usable(candidates(), 17) == (good, ["/a is Java 8, older than 17"])


def test_output_is_read() -> None:
    text = PRINTED.format(home="/usr/lib/jvm/java 21", version=21, modules="jdk.jlink@21.0.1\njdk.jdi@21.0.1")
    assert candidate_from_output(Path("java"), text) == JavaCandidate(Path("/usr/lib/jvm/java 21"), 21, JDK)


def test_output_of_something_else() -> None:
    assert candidate_from_output(Path("java"), "no Java here") == JavaCandidate(Path("java"), None, frozenset())


def test_java_home_then_path_then_the_usual_folders(tmp_path: Path) -> None:
    homes = [java_in(tmp_path / name, 17) for name in ("home", "on path", "jvm/a", "jvm/b")]
    environ = {"JAVA_HOME": str(homes[0]), "PATH": str(homes[1] / "bin")}
    places = list(places_to_look(environ, [f"{tmp_path}/jvm/*", f"{tmp_path}/ho*"]))
    assert places == [homes[0], homes[1] / "bin" / "java", homes[3], homes[2]]


def test_first_usable_java_of_the_machine_is_found(open_tmp_path: Path) -> None:
    java_in(open_tmp_path / "jvm" / "c-old", 11, "jdk.jlink", "jdk.jdi")
    java_in(open_tmp_path / "jvm" / "b-jre", 21)
    good = java_in(open_tmp_path / "jvm" / "a-good", 21, "jdk.jlink", "jdk.jdi")
    found = find_java(None, open_tmp_path, pytest.fail, environ={"PATH": ""}, folders=[f"{open_tmp_path}/jvm/*"])
    assert found == good


def test_a_named_java_is_used_or_refused_never_replaced(open_tmp_path: Path) -> None:
    named = java_in(open_tmp_path / "named", 17, "jdk.jlink")
    java_in(open_tmp_path / "jvm" / "good", 21, "jdk.jlink", "jdk.jdi")
    with pytest.raises(StackError, match=r"cannot be used \(.*/named has no jdk.jdi .*\): .*install one"):
        find_java(named, open_tmp_path, pytest.fail, environ={}, folders=[f"{open_tmp_path}/jvm/*"])


def test_without_java_one_is_fetched(open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = java_in(open_tmp_path / "jdk" / "21", 21, "jdk.jlink", "jdk.jdi")
    calls: list[dict[str, object]] = []
    fake = SimpleNamespace(java_home=lambda **wanted: calls.append(wanted) or fetched)
    monkeypatch.setitem(sys.modules, "cjdk", fake)
    said: list[str] = []
    found = find_java(None, open_tmp_path / "jdk", said.append, environ={"PATH": ""}, folders=[])
    assert found == fetched
    assert calls == [{"vendor": "adoptium", "version": "21", "cache_dir": open_tmp_path / "jdk"}]
    assert said == [f"No usable Java on this machine: fetching a JDK 21 (about 200 MB) into {open_tmp_path / 'jdk'}"]


def test_without_java_and_network_one_sentence_says_what_to_install(
    open_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(**_wanted: object) -> Path:
        raise OSError("no network")

    java_in(open_tmp_path / "jvm" / "old", 11)
    monkeypatch.setitem(sys.modules, "cjdk", SimpleNamespace(java_home=no_network))
    said: list[str] = []
    with pytest.raises(StackError) as refused:
        find_java(None, open_tmp_path, said.append, environ={"PATH": ""}, folders=[f"{open_tmp_path}/jvm/*"])
    assert refused.value.problem == (
        "no Java >= 17 with the modules jdk.jlink and jdk.jdi was found "
        f"({open_tmp_path}/jvm/old is Java 11, older than 17), and none could be fetched"
    )
    assert said[-1] == "No JDK could be fetched (no network)"


@pytest.mark.parametrize(("platform", "command"), [("linux", "apt install"), ("darwin", "brew install")])
def test_advice_fits_the_system(platform: str, command: str) -> None:
    assert command in package_advice(platform)

from pathlib import Path

import pytest

from producers.errors import ProducerError
from producers.options import PollerOptions
from producers.service import read_catalogue


def options(path: Path, **changes: object) -> PollerOptions:
    return PollerOptions(kafka="127.0.0.1:1", catalogue_file=path, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"", "names no feed"),
        (b"https://a.fr/rss", "stranger"),
    ],
)
def test_mistakes_are_one_sentence_with_advice(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "feeds.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProducerError, match=problem) as caught:
        read_catalogue(options(path))
    assert caught.value.advice


def test_hosts_that_are_sent_elsewhere_need_no_contact(tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text("http://www.lecanal.example/rss\n")
    assert len(read_catalogue(options(path, connect_to={"*.example": "127.0.0.1:1"})).feeds) == 1


def test_real_hosts_may_be_polled_by_those_who_say_who_they_are(tmp_path: Path) -> None:
    path = tmp_path / "feeds.txt"
    path.write_text("https://www.lemonde.fr/rss/une.xml\n")
    assert len(read_catalogue(options(path, contact="moi@kiosque.example")).feeds) == 1

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.dates import ReadDate, read_date


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Mon, 10 Feb 2025 13:19:30 +0100", utc(2025, 2, 10, 12, 19, 30)),
        ("Mon, 10 Feb 25 12:40:04 +0100", utc(2025, 2, 10, 11, 40, 4)),
        ("10 Feb 1994 12:40:04 GMT", utc(1994, 2, 10, 12, 40, 4)),
        ("Mon, 10 Feb 2025 10:00:00 CET", utc(2025, 2, 10, 9)),
        ("Thu, 10 Jul 2025 10:00:00 CEST", utc(2025, 7, 10, 8)),
        ("Wed, 02 Oct 2002 08:00:00 EDT", utc(2002, 10, 2, 12)),
        ("Sun, 09 Feb 2025 11:00:00 +0009", utc(2025, 2, 9, 10, 51)),
        ("lun., 10 févr. 2025 08:15:00 +0100", utc(2025, 2, 10, 7, 15)),
        ("mer. 1er août 2018 10:00:00 +0200", utc(2018, 8, 1, 8)),
        ("2025-02-10T10:00:00Z", utc(2025, 2, 10, 10)),
        ("2025-02-10T10:00:00.123456+01:00", utc(2025, 2, 10, 9)),
        ("2025-02-10 10:00:00 Europe/Paris", utc(2025, 2, 10, 9)),
        ("Fri, 07 Feb 2025 19:03:49 GMT+1", utc(2025, 2, 7, 18, 3, 49)),
        ("Sat, 31 Dec 2016 23:59:60 GMT", utc(2016, 12, 31, 23, 59, 59)),
    ],
)
def test_an_instant_to_the_second(text: str, at: datetime) -> None:
    assert read_date(text) == ReadDate(at, "second")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-02-10T10:00", ReadDate(utc(2025, 2, 10, 9), "minute", ("date_without_zone",))),
        ("lundi 10 février 2025 à 18h05", ReadDate(utc(2025, 2, 10, 17, 5), "minute", ("date_without_zone",))),
        ("10/07/2025 18:05", ReadDate(utc(2025, 7, 10, 16, 5), "minute", ("date_without_zone",))),
        ("10 Feb 2025 24:00:00 GMT", ReadDate(utc(2025, 2, 11), "second", ("date_24h",))),
        ("10 Feb 2025 24:00:00", ReadDate(utc(2025, 2, 10, 23), "second", ("date_without_zone", "date_24h"))),
        ("2025-02-10", ReadDate(utc(2025, 2, 10), "day")),
        ("2025-02-10T00:00:00", ReadDate(utc(2025, 2, 10), "day")),
        ("20250210", ReadDate(utc(2025, 2, 10), "day")),
        ("1er mars 2024", ReadDate(utc(2024, 3, 1), "day")),
    ],
)
def test_what_is_assumed_is_said(text: str, expected: ReadDate) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize(
    "text", [None, "", "hier", "31 Feb 2025 10:00:00 GMT", "2025-13-40", "10 brumaire 2025", "x" * 5000, "0001-01-01"]
)
def test_what_names_no_instant(text: str | None) -> None:
    assert read_date(text) is None


@given(st.text(max_size=80))
def test_any_text_gives_a_date_or_none(text: str) -> None:
    read_date(text)


@given(st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)))
def test_iso_dates_are_read_back(at: datetime) -> None:
    read = read_date(at.isoformat())
    assert read is not None
    assert read.at == at

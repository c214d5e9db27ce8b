"""What publishers write as dates -> an aware UTC instant, its precision, and what had to be assumed.

RFC 822, RFC 3339/ISO 8601 and the French forms that feed libraries miss: month names ("lun., 10 févr. 2025"), CET/CEST,
24:00, no zone at all (read as Europe/Paris, with a note: it is what French publishers mean). A day without a time, or
with a bare midnight, becomes 00:00 UTC with precision "day": the right day both in UTC and in Paris.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.articles import Precision

PARIS: Final = ZoneInfo("Europe/Paris")

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan january",
            "fevrier fevr fev february feb",
            "mars mar march",
            "avril avr april apr",
            "mai may",
            "juin june jun",
            "juillet juil july jul",
            "aout aou august aug",
            "septembre sept sep september",
            "octobre oct october",
            "novembre nov november",
            "decembre dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_HOURS_OF_ZONE: Final = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "met", "hnec", "bst", "west"), 1),
    **dict.fromkeys(("cest", "mest", "heec", "eet"), 2),
    **dict.fromkeys(("eest",), 3),
    **dict(
        zip(("edt", "est", "cdt", "cst", "mdt", "mst", "pdt", "pst"), (-4, -5, -5, -6, -6, -7, -7, -8), strict=True)
    ),
}
_TIME: Final = r"(?P<hour>\d{1,2})\s?[:h]\s?(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_ZONE: Final = r"(?P<zone>(?:GMT|UTC|gmt|utc)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,6}(?:/[A-Za-z_]+)?)"
_ISO: Final = re.compile(
    rf"^(?P<year>\d{{4}})[-/]?(?P<month>\d{{2}})[-/]?(?P<day>\d{{2}})(?:(?:[T ]|\s+)\s*{_TIME})?\s*{_ZONE}?$"
)
_WORDS: Final = re.compile(
    rf"^(?:[a-z]+\.?,?\s+(?:le\s+)?)?(?P<day>\d{{1,2}})(?:er)?[\s-]+(?P<name>[a-z]+)\.?[\s-]+(?P<year>\d{{4}}|\d{{2}})"
    rf"(?:,?\s+(?:a\s+|-\s+)?{_TIME})?\s*{_ZONE}?(?:\s*\(.*\))?$"
)
_MONTH_FIRST: Final = re.compile(
    rf"^(?:[a-z]+\.?,?\s+)?(?P<name>[a-z]+)\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})(?:,?\s+{_TIME})?\s*{_ZONE}?$"
)
_FRENCH_NUMBERS: Final = re.compile(
    rf"^(?P<day>\d{{1,2}})[/.](?P<month>\d{{1,2}})[/.](?P<year>\d{{4}})(?:\s*(?:a|-|,)?\s*{_TIME})?\s*{_ZONE}?$"
)
_PIVOT: Final = 70
_EARLIEST_YEAR: Final = 1900
_MIDNIGHT_AFTER: Final = 24


class ReadDate(NamedTuple):
    """An instant in UTC, how finely it was given, and slugs of what was assumed."""

    at: datetime
    precision: Precision
    problems: tuple[str, ...] = ()


def read_date(text: str | None) -> ReadDate | None:
    """The instant that a publisher's date names, or None if it names none that we can read.

    Problems: "date_without_zone" (Europe/Paris assumed), "date_24h" (24:00 read as midnight after).
    """
    if not text or len(text) > 100:  # noqa: PLR2004 no date is that long; bounds the regular expressions
        return None
    plain = _ascii(text)
    for pattern in (_ISO, _WORDS, _MONTH_FIRST, _FRENCH_NUMBERS):
        match = pattern.match(plain) or pattern.match(plain.lower())
        if match:
            return _instant(match.groupdict())
    return None


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def _instant(found: dict[str, str | None]) -> ReadDate | None:
    month = int(found["month"] or 0) if found.get("month") else _MONTHS.get((found.get("name") or "").lower(), 0)
    try:
        day = datetime(_year(found["year"] or ""), month, int(found["day"] or 0), tzinfo=UTC)
    except ValueError:
        return None
    if day.year < _EARLIEST_YEAR:
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    zone = _zone(found["zone"])
    if zone is None and hour == minute == second == 0:
        return ReadDate(day, "day")
    problems = [] if zone else ["date_without_zone"]
    if (hour, minute, second) == (_MIDNIGHT_AFTER, 0, 0):
        problems.append("date_24h")
        day, hour = day + timedelta(days=1), 0
    try:  # a leap second is the second before it to us
        at = day.replace(hour=hour, minute=minute, second=min(second, 59), tzinfo=zone or PARIS).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return ReadDate(at, _precision(found), tuple(problems))


def _year(text: str) -> int:
    """RFC 822 has years of two digits; RFC 2822 §4.3 says how to read them."""
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004
        return year
    return year + (2000 if year < _PIVOT else 1900)


def _precision(found: dict[str, str | None]) -> Precision:
    if found["hour"] is None:
        return "day"
    return "minute" if found["second"] is None else "second"


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text.lower() == "europe/paris":
        return PARIS
    name, sign, offset = (text[:3], text[3:4], text[4:]) if text[3:4] in {"+", "-"} else ("", text[:1], text[1:])
    if sign in {"+", "-"} and (not name or name.lower() in {"gmt", "utc"}):
        return _offset(sign, offset.replace(":", ""))
    hours = _HOURS_OF_ZONE.get(text.lower())
    return None if hours is None else timezone(timedelta(hours=hours))


def _offset(sign: str, digits: str) -> tzinfo | None:
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])  # noqa: PLR2004 hours only
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset) if offset < timedelta(hours=24) else None

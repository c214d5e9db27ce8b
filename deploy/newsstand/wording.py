"""Dates and addresses as French sites write them. Pure."""

import re
import unicodedata
from datetime import datetime, tzinfo

_MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)


def french_date(moment: datetime, zone: tzinfo) -> str:
    """A moment as read on the page: "25 novembre 2026 à 8h05", in the publisher's time zone."""
    local = moment.astimezone(zone)
    day = "1er" if local.day == 1 else str(local.day)
    return f"{day} {_MONTHS[local.month - 1]} {local.year} à {local.hour}h{local.minute:02}"


def slug(label: str) -> str:
    """A section's label as part of an address: "Économie et social" is "economie-et-social"."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")

"""The real clock, the only one in the project; rooms get it as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now, aware UTC."""
    return datetime.now(UTC)

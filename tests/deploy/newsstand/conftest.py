"""A stand at a fixed moment, a way to ask it as a poller asks, and a clock that only moves when told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from deploy.newsstand import Request, Response, Stand, load_stand, respond

OPENED_AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)

Ask = Callable[..., Response]


@dataclass
class HandClock:
    """A clock that stands still until it is moved."""

    now: datetime = OPENED_AT

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def stand() -> Stand:
    return load_stand(OPENED_AT)


@pytest.fixture(scope="session")
def ask(stand: Stand) -> Ask:
    """ask(url, after=seconds since opening, reads={...}, headers...) -> Response."""

    def _ask(
        url: str,
        *,
        after: float = 60.0,
        reads: Mapping[str, datetime] | None = None,
        method: str = "GET",
        **headers: str,
    ) -> Response:
        parts = urlsplit(url)
        path = parts._replace(scheme="", netloc="").geturl()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method, parts.hostname or "", path, named)
        return respond(stand, request, OPENED_AT + timedelta(seconds=after), reads or {})

    return _ask


@pytest.fixture(scope="session")
def urls_of(stand: Stand) -> Callable[[str], tuple[str, ...]]:
    """The URLs that show a behaviour, by its name in the table."""
    from deploy.newsstand import BEHAVIOURS

    by_name = {behaviour.name: behaviour for behaviour in BEHAVIOURS}
    return lambda name: by_name[name].urls(stand)

"""The newsstand's HTTP server: it asks `respond` and sends what that says.

    request -> Request -> respond(stand, request, now, reads) -> remember the reading -> access log -> wait -> send

Decides nothing about content. Binds to loopback unless told otherwise.
"""

import asyncio
import json
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from deploy.clock import utc_now
from deploy.errors import UserError
from deploy.newsstand.catalogue import hosts
from deploy.newsstand.loading import load_stand
from deploy.newsstand.model import Article, Request, Response, Stand
from deploy.newsstand.respond import respond
from deploy.newsstand.state import StandState, load_state, save_state

_LOG_LENGTH = 100_000


@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One line of the access log; `conditional` says whether the request carried a validator, `time` is aware UTC."""

    time: datetime
    method: str
    host: str
    path: str
    status: int
    conditional: bool
    user_agent: str


def request_facts(method: str, target: str, headers: dict[str, str]) -> Request:
    """A Request from the raw request line and headers (lower-case names).

    The host of an absolute-form target goes before the Host header (RFC 9112 §3.2.2).
    """
    host, path = headers.get("host", ""), target
    if target.startswith(("http://", "https://")):
        parts = urlsplit(target)
        host, path = parts.netloc, parts._replace(scheme="", netloc="").geturl() or "/"
    return Request(method, urlsplit(f"//{host}").hostname or "", path, headers)


class Newsstand:
    """An open newsstand, as an async context manager.

    Args:
        port: TCP port; 0 takes a free one (then `port` and `base_url` say which).
        host: address to listen on.
        state_file: remembers opening and readings over restarts; None keeps them in memory.
        access_log_file: access records as JSON lines are appended to it, besides `access_log`.
        clock: aware UTC.
        slow_seconds: see `load_stand`, as the next two.
        correct_after_seconds: the same.
        extra_articles: the same.

    Raises:
        UserError: on entering, the port is taken or the state file is not one.
    """

    def __init__(
        self,
        port: int = 0,
        state_file: Path | None = None,
        clock: Callable[[], datetime] = utc_now,
        slow_seconds: float = 3.0,
        correct_after_seconds: float = 8.0,
        *,
        host: str = "127.0.0.1",
        access_log_file: Path | None = None,
        extra_articles: Sequence[Article] = (),
    ) -> None:
        self.port = port
        self.host = host
        self.access_log: deque[AccessRecord] = deque(maxlen=_LOG_LENGTH)
        self._clock = clock
        self._state_file = state_file
        self._access_log_file = access_log_file
        self._state: StandState = load_state(state_file, clock())
        self._runner: web.ServerRunner | None = None
        self.stand: Stand = load_stand(
            self._state.opened_at,
            slow_seconds=slow_seconds,
            correct_after_seconds=correct_after_seconds,
            extra_articles=extra_articles,
        )

    @property
    def base_url(self) -> str:
        """Where a person finds the front page."""
        return f"http://{self.host}:{self.port}/"

    @property
    def connect_to(self) -> dict[str, str]:
        """Every host of the newsstand -> "ADDRESS:PORT" to connect to instead of what DNS says."""
        return dict.fromkeys(hosts(self.stand), f"{self.host}:{self.port}")

    async def __aenter__(self) -> Self:
        try:
            listener = socket.create_server((self.host, self.port))
        except OSError as error:
            problem = f"the newsstand cannot listen on {self.host}:{self.port} ({error.strerror})"
            raise UserError(problem, "choose another port") from error
        self.port = listener.getsockname()[1]
        if self._state_file is not None:
            save_state(self._state_file, self._state)
        self._runner = web.ServerRunner(web.Server(self._answer), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        facts = request_facts(request.method, request.raw_path, headers)
        now = self._clock()
        response = respond(self.stand, facts, now, self._state.reads)
        self._remember(response, now)
        self._log(facts, response, now)
        await asyncio.sleep(response.delay_seconds)
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    def _remember(self, response: Response, now: datetime) -> None:
        """Keep the first reading, before the answer goes out: a crash must not make the stand forget it."""
        key = response.read_key
        if key and key not in self._state.reads:
            self._state.reads[key] = now
            if self._state_file is not None:
                save_state(self._state_file, self._state)

    def _log(self, request: Request, response: Response, now: datetime) -> None:
        record = AccessRecord(
            time=now,
            method=request.method,
            host=request.host,
            path=request.path,
            status=int(response.status),
            conditional=not {"if-none-match", "if-modified-since"}.isdisjoint(request.headers),
            user_agent=request.headers.get("user-agent", ""),
        )
        self.access_log.append(record)
        if self._access_log_file is not None:
            line = json.dumps(asdict(record) | {"time": now.isoformat()}, ensure_ascii=False)
            with self._access_log_file.open("a", encoding="utf-8") as log:
                log.write(line + "\n")


async def _serve_until_stopped(newsstand: Newsstand, ready: Callable[[Newsstand], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # loops without signal support stop by KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    async with newsstand:
        ready(newsstand)
        await stop.wait()


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    state_file: Path | None = None,
    *,
    access_log_file: Path | None = None,
    slow_seconds: float = 3.0,
    correct_after_seconds: float = 8.0,
    ready: Callable[[Newsstand], None] = lambda newsstand: None,
) -> None:
    """Run a newsstand in the foreground until SIGINT or SIGTERM; `ready` is called once it listens.

    Raises:
        UserError: the port is taken or the state file is not one.
    """
    newsstand = Newsstand(
        port,
        state_file,
        slow_seconds=slow_seconds,
        correct_after_seconds=correct_after_seconds,
        host=host,
        access_log_file=access_log_file,
    )
    asyncio.run(_serve_until_stopped(newsstand, ready))

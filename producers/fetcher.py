"""One HTTP GET, safe and bounded; decides nothing about its meaning.

    URL → connect_to or DNS → address vetted → request → redirects by hand (each hop vetted again, at most five)
        → body streamed, counted after decompression → Response (bytes and headers as sent)

Turn-taking is politeness.py's, what a status means schedule.py's, what the bytes mean the parsers'.
"""

import socket
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct

from producers.addresses import ConnectTo, refusal
from producers.errors import AddressRefused, FetchFailed, TooLarge

VERSION: Final = "0.1"
MAX_REDIRECTS: Final = 5
FEED_TYPES: Final = (
    "application/rss+xml, application/atom+xml, application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
)
PAGE_TYPES: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"

_PERMANENT: Final = frozenset({301, 308})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 64 * 1024
_NO_BODY: Final = frozenset({204, 304})


class Response(Struct, frozen=True, kw_only=True):
    """What a server answered.

    Attributes:
        url: where the answer came from, after redirects.
        headers: lower-case names; of repeated headers all values, joined by ", " (RFC 9110 §5.3).
        moved_for_good: the new address, if only permanent redirects led there; else None.
    """

    url: str
    status: int
    headers: dict[str, str]
    body: bytes = b""
    moved_for_good: str | None = None


class Fetcher:
    """GETs of feeds, pages and robots files.

    Args:
        contact: address or URL in the user agent; without it only hosts of `connect_to` are asked.
        connect_to: host or "*.suffix" -> "ADDRESS:PORT"; the only way to reach addresses that are not public.
        timeout_seconds: for one request from connection to last byte, redirects included one by one.
    """

    def __init__(self, *, contact: str | None, connect_to: Mapping[str, str], timeout_seconds: float) -> None:
        self._contact = contact
        self._connect_to = ConnectTo(connect_to)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=0,  # politeness and page slots bound it
            resolver=_VettingResolver(self._connect_to),
            use_dns_cache=False,
            socket_factory=self._vetted_socket,
            force_close=True,  # connections to hundreds of hosts, each used once in minutes
        )
        agent = f"Kiosque/{VERSION}" + (f" (+{self._contact})" if self._contact else "")
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        max_bytes: int,
        accept: str,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Response:
        """The answer to a GET, conditional if validators are given (sent byte-exact, RFC 9110 §13.1).

        Raises:
            AddressRefused: a host on the way is at an address that must not be reached.
            TooLarge: more than `max_bytes` after decompression.
            FetchFailed: any other way of getting no answer.
        """
        headers = {"Accept": accept}
        if etag is not None:
            headers["If-None-Match"] = etag
        if last_modified is not None:
            headers["If-Modified-Since"] = last_modified
        permanent = True
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._one(asked, headers, max_bytes)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or target is None:
                moved = response.url if permanent and asked != url else None
                return Response(
                    url=response.url,
                    status=response.status,
                    headers=response.headers,
                    body=response.body,
                    moved_for_good=moved,
                )
            permanent = permanent and response.status in _PERMANENT
            asked = _next_address(asked, target)
        raise FetchFailed("too_many_redirects", f"more than {MAX_REDIRECTS} redirects, last to {asked[:200]}")

    async def _one(self, url: str, headers: Mapping[str, str], max_bytes: int) -> Response:
        self._check(url)
        assert self._session is not None  # noqa: S101 used as a context manager only
        try:
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                given = _joined(answer.headers.items())
                skipped = answer.status in _REDIRECTS or answer.status in _NO_BODY
                body = b"" if skipped else await _limited_body(answer, max_bytes)
                return Response(url=url, status=answer.status, headers=given, body=body)
        except TimeoutError as error:
            raise FetchFailed("timeout", f"no complete answer within {self._timeout.total:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _translated(error) from error

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError as error:
            raise FetchFailed("bad_address", f"{url[:200]!r}: {error}") from error
        if parts.scheme not in {"http", "https"} or not host:
            raise FetchFailed("bad_address", f"{url[:200]!r} is not an http(s) URL")
        if self._connect_to.target(host) is not None:
            return
        if _is_address(host) and (reason := refusal(host)) is not None:
            raise AddressRefused(reason)
        if self._contact is None:
            raise FetchFailed("contact_missing", f"{host} may only be asked with the setting `contact`")

    def _vetted_socket(self, info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """The last look before connecting; the resolver has seen names, but not addresses written in URLs."""
        family, kind, protocol, _, address = info
        reason = refusal(str(address[0]))
        if reason is not None and (address[0], address[1]) not in self._connect_to.targets:
            raise _RefusedError(reason)
        return socket.socket(family=family, type=kind, proto=protocol)


def _next_address(asked: str, target: str) -> str:
    try:
        return urljoin(asked, target)
    except ValueError as error:
        raise FetchFailed("bad_redirect", f"to {target[:200]!r}: {error}") from error


class _RefusedError(OSError):
    """AddressRefused on its way through aiohttp, which lets only OSErrors pass."""


class _VettingResolver(AbstractResolver):
    """DNS, except for the hosts of connect_to; refuses a name as soon as one of its addresses is not public."""

    def __init__(self, connect_to: ConnectTo) -> None:
        self._connect_to = connect_to
        self._dns = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        target = self._connect_to.target(host)
        if target is not None:
            address, port = target
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]
        found = await self._dns.resolve(host, port, family)
        for result in found:
            reason = refusal(result["host"])
            if reason is not None:
                raise _RefusedError(f"{host}: {reason}")
        return found

    async def close(self) -> None:
        await self._dns.close()


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in items:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


async def _limited_body(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes after decompression")
    return bytes(body)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _translated(error: Exception) -> FetchFailed:
    """Our error for aiohttp's and the system's errors, by type."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _RefusedError):
            return AddressRefused(str(cause))
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    text = str(error)[:300] or type(error).__name__
    if isinstance(error, aiohttp.InvalidURL):
        return FetchFailed("bad_address", text)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed("name_unknown", text)
    if isinstance(error, aiohttp.ClientPayloadError):
        return FetchFailed("incomplete", text)
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return FetchFailed("tls_failed", text)
    if isinstance(error, aiohttp.ClientResponseError):
        return FetchFailed("not_http", text)
    return FetchFailed("connection_failed", text)

"""The fetcher against servers that behave well, badly and with bad intent."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from producers import fetcher as fetcher_module
from producers.errors import AddressRefused, FetchFailed, TooLarge
from producers.fetcher import PAGE_TYPES, Fetcher, Response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOST = "www.lecanal.example"


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    server = web.Server(handler)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(answer: bytes, *, drip: bool = False) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            for chunk in [bytes([byte]) for byte in answer] if drip else [answer]:
                if reader.at_eof():
                    break
                writer.write(chunk)
                await asyncio.sleep(0.05 if drip else 0)
            writer.close()
            await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        if drip:
            await ended.wait()


class Client:
    """A fetcher whose hosts under .example lead to one port of this machine."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def open(self, port: int, *, contact: str | None = None, timeout_seconds: float = 5.0) -> Fetcher:
        return await self._stack.enter_async_context(
            Fetcher(contact=contact, connect_to={"*.example": f"127.0.0.1:{port}"}, timeout_seconds=timeout_seconds)
        )


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        yield Client(stack)


async def get(fetcher: Fetcher, url: str = f"http://{HOST}/a", **options: Any) -> Response:
    return await fetcher.get(url, **{"max_bytes": 10_000, "accept": PAGE_TYPES} | options)


async def test_a_plain_answer(client: Client) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"corps", headers={"ETag": '"a b"', "Content-Type": "text/html; charset=latin-1"})

    async with serving(handler) as port:
        response = await get(await client.open(port))

    assert (response.url, response.status, response.body, response.moved_for_good) == (
        f"http://{HOST}/a",
        200,
        b"corps",
        None,
    )
    assert (response.headers["etag"], response.headers["content-type"]) == ('"a b"', "text/html; charset=latin-1")


async def test_what_is_sent(client: Client) -> None:
    seen: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(status=304, headers={"Set-Cookie": "a=b"})

    async with serving(handler) as port:
        fetcher = await client.open(port, contact="https://kiosque.example/contact")
        for _ in range(2):
            await get(fetcher, etag='W/"x"', last_modified="lundi matin", accept="text/html")

    expected = {
        "Host": HOST,
        "User-Agent": "Kiosque/0.1 (+https://kiosque.example/contact)",
        "Accept": "text/html",
        "Accept-Encoding": "gzip, deflate",
        "If-None-Match": 'W/"x"',
        "If-Modified-Since": "lundi matin",
        "Connection": "close",
    }
    assert seen == [expected, expected]


async def test_redirects_are_followed_and_told(client: Client) -> None:
    async def handler(request: web.Request) -> web.Response:
        steps = {"/a": (301, "/b"), "/b": (308, "http://autre.example/c"), "/t": (302, "/c"), "/m": (301, "/t")}
        if request.path in steps:
            status, target = steps[request.path]
            return web.Response(status=status, headers={"Location": target})
        return web.Response(text=request.host + request.path)

    async with serving(handler) as port:
        fetcher = await client.open(port)
        permanent = await get(fetcher)
        temporary = await get(fetcher, f"http://{HOST}/m")

    assert (permanent.url, permanent.moved_for_good, permanent.body) == (
        "http://autre.example/c",
        "http://autre.example/c",
        b"autre.example/c",
    )
    assert (temporary.url, temporary.moved_for_good) == (f"http://{HOST}/c", None)


@pytest.mark.parametrize(
    ("target", "slug"),
    [
        ("/a", "too_many_redirects"),
        ("file:///etc/passwd", "bad_address"),
        ("http://127.0.0.1:1/", "address_refused"),
        ("http://[::1]/", "address_refused"),
        ("http://169.254.169.254/latest/meta-data/", "address_refused"),
        ("http://[::ffff:10.0.0.1]/", "address_refused"),
        ("http://user@/", "bad_address"),
        ("http://[/", "bad_redirect"),
        ("http://www.lemonde.fr/", "contact_missing"),
    ],
)
async def test_redirects_to_where_nobody_should_go(client: Client, target: str, slug: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serving(handler) as port:
        with pytest.raises(FetchFailed) as caught:
            await get(await client.open(port))
    assert caught.value.slug == slug


@pytest.mark.parametrize("host", ["localhost", "0x7f000001", "2130706433", "127.1", "0"])
async def test_names_and_spellings_of_this_machine_are_refused(client: Client, host: str) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        fetcher = await client.open(port, contact="moi@kiosque.example")
        with pytest.raises(FetchFailed) as caught:
            await get(fetcher, f"http://{host}:{port}/")
    assert caught.value.slug in {"address_refused", "bad_address", "name_unknown"}


async def test_a_name_that_leads_to_this_machine_is_refused_even_at_the_newsstands_port(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS is in strangers' hands: only hosts named in connect_to may be sent to loopback."""

    class Liar(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[Any]:
            return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    monkeypatch.setattr(fetcher_module.aiohttp, "ThreadedResolver", Liar)
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        fetcher = await client.open(port, contact="moi@kiosque.example")
        with pytest.raises(AddressRefused):
            await get(fetcher, f"http://piege.fr:{port}/")


async def test_size_counts_after_decompression(client: Client) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(b"0" * 50_000_000), headers={"Content-Encoding": "gzip"})

    async with serving(handler) as port:
        with pytest.raises(TooLarge):
            await get(await client.open(port))


@pytest.mark.parametrize(
    ("answer", "slug"),
    [
        (b"", "connection_failed"),
        (b"not http at all\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "incomplete"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\njunk", "incomplete"),
    ],
)
async def test_broken_answers_have_a_name(client: Client, answer: bytes, slug: str) -> None:
    async with raw_server(answer) as port:
        with pytest.raises(FetchFailed) as caught:
            await get(await client.open(port))
    assert caught.value.slug == slug


async def test_a_server_that_drips_is_left_at_the_total_timeout(client: Client) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, drip=True) as port:
        with pytest.raises(FetchFailed) as caught:
            await get(await client.open(port, timeout_seconds=0.7))
    assert caught.value.slug == "timeout"


async def test_nobody_listens(client: Client) -> None:
    async with raw_server(b"") as port:
        pass
    with pytest.raises(FetchFailed) as caught:
        await get(await client.open(port))
    assert caught.value.slug == "connection_failed"


@pytest.mark.parametrize(
    "url", ["", "ftp://www.lecanal.example/", "http://", "http://a:b:c/", "//www.lecanal.example/"]
)
async def test_what_is_no_web_address_is_not_asked(client: Client, url: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        await get(await client.open(1, contact="x"), url)
    assert caught.value.slug == "bad_address"

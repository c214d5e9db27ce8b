"""Where `kiosque inspect` gets its inputs: files, standard input, addresses, lists."""

import asyncio
import gzip
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.errors import UserError
from deploy.settings import load_settings
from producers.fetcher import Fetcher

NO_ADDRESS: Final = "http://address-not-given.invalid/"
"""Stands for the address of a page that was given as a file without one (RFC 2606)."""

MAX_BYTES: Final = 20_000_000
_TIMEOUT_SECONDS: Final = 30.0
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Source:
    """One input; `name` is a file, an address or - for standard input."""

    name: str
    url: str | None = None
    title: str | None = None
    content_type: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that are known without asking."""
        return {"content-type": self.content_type} if self.content_type else {}


@dataclass(frozen=True, slots=True)
class Read:
    """What an input holds."""

    data: bytes
    url: str
    headers: Mapping[str, str]


def inputs_of(
    names: Sequence[str] | None,
    list_file: Path | None,
    *,
    url: str | None = None,
    title: str | None = None,
    content_type: str | None = None,
) -> list[Source]:
    """The inputs of one call, in order.

    Raises:
        UserError: none at all, or a list that cannot be read.
    """
    given = [Source(name, url, title, content_type) for name in names or ()]
    if list_file is not None:
        given += _listed(list_file)
    if not given:
        raise UserError("there is nothing to inspect", "name a file or an address, or give --list FILE")
    return given


def _listed(list_file: Path) -> list[Source]:
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
        items = [json.loads(line) for line in lines if line.strip()]
        return [
            Source(str(item.get("file") or item["url"]), item.get("url"), item.get("title"), item.get("content_type"))
            for item in items
        ]
    except OSError as error:
        raise UserError(f"the list {list_file} cannot be read ({error.strerror})", "name a file that exists") from error
    except (ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"the list {list_file} is not JSON lines ({error!r})", 'write {"file": …, "url": …} on each line'
        ) from error


def read_source(source: Source) -> Read:
    """Read an input; gzip is undone.

    Raises:
        OSError, ValueError, FetchFailed: it cannot be read, or is larger than MAX_BYTES.
    """
    if source.name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    elif urlsplit(source.name).scheme in ("http", "https"):
        return asyncio.run(_fetched(source))
    else:
        data = Path(source.name).read_bytes()
    if data[:2] == _GZIP_MAGIC:
        with gzip.open(io.BytesIO(data)) as unpacked:
            data = unpacked.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return Read(data, source.url or "", source.headers)


async def _fetched(source: Source) -> Read:
    """The answer of a server, asked as the poller asks: vetted addresses, bounded size, our user agent."""
    settings = load_settings()
    async with Fetcher(
        contact=settings.contact, connect_to=settings.connect_to, timeout_seconds=_TIMEOUT_SECONDS
    ) as fetcher:
        response = await fetcher.get(source.name, max_bytes=MAX_BYTES, accept="*/*")
    if response.status != HTTPStatus.OK:
        raise ValueError(f"the server answered {response.status}")
    return Read(response.body, source.url or response.url, response.headers | source.headers)

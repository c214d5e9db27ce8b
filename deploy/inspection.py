"""Where `kiosque inspect` gets its inputs: files, standard input, addresses, lists."""

import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests

from deploy.errors import UserError

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


@dataclass(frozen=True, slots=True)
class Read:
    """What an input holds."""

    data: bytes
    url: str
    content_type: str | None


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
        OSError, ValueError: it cannot be read, or is larger than MAX_BYTES.
    """
    if source.name == "-":
        data, found_type = sys.stdin.buffer.read(MAX_BYTES + 1), None
    elif urlsplit(source.name).scheme in ("http", "https"):
        return _fetched(source)
    else:
        data, found_type = Path(source.name).read_bytes(), None
    if data[:2] == _GZIP_MAGIC:
        with gzip.open(Path(source.name)) as unpacked:
            data = unpacked.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return Read(data, source.url or "", source.content_type or found_type)


def _fetched(source: Source) -> Read:
    with requests.get(source.name, timeout=_TIMEOUT_SECONDS, stream=True) as response:
        response.raise_for_status()
        data = b"".join(_up_to(response, MAX_BYTES))
        return Read(data, source.url or response.url, source.content_type or response.headers.get("Content-Type"))


def _up_to(response: requests.Response, limit: int) -> list[bytes]:
    parts, size = [], 0
    for part in response.iter_content(65_536):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise ValueError(f"more than {limit} bytes")
    return parts

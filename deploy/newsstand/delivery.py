"""What stands at an address -> the HTTP answer to one request: validators, 304, gzip, HEAD. Pure.

RFC 9110 §13 (conditional requests), §8.8 (validators), §12.5.3 (Accept-Encoding).
"""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus

from deploy.newsstand.model import Request, Response

_COMPRESSIBLE = ("text/", "application/")


@dataclass(frozen=True, slots=True)
class Resource:
    """What an address holds now, whoever asks; only a 200 with `last_modified` has validators."""

    content_type: str
    body: bytes
    status: int = HTTPStatus.OK
    last_modified: datetime | None = None
    etags: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    read_key: str = ""


def http_date(moment: datetime) -> str:
    """A moment as an HTTP date (RFC 9110 §5.6.7)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header takes gzip: named or *, and not with q=0."""
    weights: dict[str, str] = {}
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = parameters.replace(" ", "")
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and weight.rstrip("0").rstrip(".") not in ("q=", "q=0")


def _parsed(date: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_current(request: Request, etag: str, last_modified: datetime) -> bool:
    """Whether the requester's copy is the one we have; If-None-Match goes before the date (RFC 9110 §13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None and etag:
        # Weak comparison: a gzipped copy carries W/ before the same tag.
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or etag in known
    since = _parsed(request.headers.get("if-modified-since", ""))
    return since is not None and last_modified <= since


def deliver(resource: Resource, request: Request) -> Response:
    """The answer to a GET or HEAD for the resource."""
    headers = dict(resource.headers)
    compress = resource.content_type.startswith(_COMPRESSIBLE) and accepts_gzip(
        request.headers.get("accept-encoding", "")
    )
    if resource.status == HTTPStatus.OK and resource.last_modified is not None:
        etag = f'"{sha256(resource.body).hexdigest()[:20]}"' if resource.etags else ""
        if etag:
            headers["ETag"] = f"W/{etag}" if compress else etag
        headers["Last-Modified"] = http_date(resource.last_modified)
        headers["Vary"] = "Accept-Encoding"
        if _is_current(request, etag, resource.last_modified):
            return Response(HTTPStatus.NOT_MODIFIED, headers, b"", resource.delay_seconds, resource.read_key)
    body = resource.body
    headers["Content-Type"] = resource.content_type
    if compress and body:
        body = gzip.compress(body, compresslevel=6, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    headers["Content-Length"] = str(len(body))
    if request.method == "HEAD":
        return Response(resource.status, headers, b"", resource.delay_seconds)
    return Response(resource.status, headers, body, resource.delay_seconds, resource.read_key)

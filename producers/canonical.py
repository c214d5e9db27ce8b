"""URL -> canonical URL -> article id. The canonical URL is the address that identifies an article.

Two links of one article must give one canonical URL, two articles never the same: what we do not know to be
tracking (tracking.toml) stays. Redirects and `rel=canonical` are facts of a fetch; the caller decides on them with
`same_site`. The rules are our own over w3lib's percent-encoding, because general-purpose cleaners delete keys without a
value (`spip.php?article123`).
"""

import hashlib
import re
import tomllib
from functools import cache
from importlib import resources
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from tld import get_fld
from w3lib.url import safe_url_string

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AMP_CACHE_PATH: Final = re.compile(r"^/(?:amp|[cvi])/(?P<secure>s/)?(?P<rest>[^/]+\..*)$")
_AMP_CACHE_HOSTS: Final = ("cdn.ampproject.org", "google.com/amp", "google.fr/amp")
_FILE_SLASH: Final = re.compile(r"(\.(?:html?|php|aspx?))/+$", re.IGNORECASE)
_AMP_HEAD: Final = re.compile(r"^/amp/(?=.)")
_AMP_TAIL: Final = re.compile(r"(?<=[^/])(?:/amp$|/amp(/)$)")
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]+")


def canonical_url(url: str) -> str:
    """The address that identifies what a link leads to. Idempotent.

    Args:
        url: an absolute http or https URL, as found in a feed or page.

    Raises:
        ValueError: not an http(s) URL with a host.
    """
    parts = _split(url)
    while (inner := _inside_amp_cache(parts)) is not None:  # each turn is shorter than the one before
        parts = _split(inner)
    host = _host(parts)
    path = _path(parts.path)
    return urlunsplit((parts.scheme.lower(), host, path, _kept_query(parts.query), _kept_fragment(parts.fragment)))


def article_id(canonical: str) -> str:
    """The id of the article at a canonical URL: blake2b-128, lower-case hexadecimal (contract: schemas.ArticleId)."""
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def registrable_domain(url: str) -> str:
    """The domain that one registers (`lemonde.fr`), by the public suffix list shipped with `tld`; never fetches it.

    For suffixes on no list (`.example`, `.test`) the last two labels; for addresses and single labels the host itself.
    """
    host = (urlsplit(url if "//" in url else f"//{url}").hostname or "").rstrip(".")
    try:
        ip_address(host)
    except ValueError:
        found: object = get_fld(f"http://{host}", fail_silently=True) if host else None
        return str(found) if found else ".".join(host.split(".")[-2:])
    return host


def same_site(one: str, other: str) -> bool:
    """Whether two URLs belong to one registrable domain: only then may one stand for the other."""
    return registrable_domain(one) == registrable_domain(other)


def _split(url: str) -> SplitResult:
    safe: str = safe_url_string(_CONTROL.sub("", url) if _CONTROL.search(url.strip()) else url.strip())
    parts: SplitResult = urlsplit(safe)
    if parts.scheme.lower() not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an http(s) URL: {url[:200]!r}")
    return parts


def _inside_amp_cache(parts: SplitResult) -> str | None:
    """The page's own URL where an AMP cache or viewer wraps it (amp.dev: AMP Cache URL format)."""
    place = f"{(parts.hostname or '').removeprefix('www.')}{parts.path}"
    if not any(cached in place for cached in _AMP_CACHE_HOSTS):
        return None
    match = _AMP_CACHE_PATH.match(parts.path)
    if match is None:
        return None
    scheme = "https" if match["secure"] else "http"
    host, _, path = str(match["rest"]).partition("/")
    return urlunsplit((scheme, host, path, parts.query, ""))


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if host.startswith("amp."):
        host = "www." + host.removeprefix("amp.")
    if ":" in host:
        host = f"[{host}]"
    port = parts.port  # raises ValueError for nonsense, which is what we promise
    return host if port in {None, _DEFAULT_PORTS[parts.scheme.lower()]} else f"{host}:{port}"


def _path(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return _without_amp(_FILE_SLASH.sub(r"\1", "/".join(kept) or "/"))


def _without_amp(path: str) -> str:
    """`/amp/article` and `/article/amp` are the AMP variant of `/article`."""
    while (shorter := _AMP_TAIL.sub(r"\1", _AMP_HEAD.sub("/", path))) != path:
        path = shorter
    return path


def _kept_query(query: str) -> str:
    """The parameters that identify, sorted by name; keys without `=` stay without."""
    parameters = [part for part in query.split("&") if part and not _is_tracking(part)]
    return "&".join(sorted(parameters, key=lambda part: part.partition("=")[0]))


def _kept_fragment(fragment: str) -> str:
    """Fragments point into a page; only `#!` routes of old single-page sites name one."""
    if not fragment.startswith("!"):
        return ""
    return fragment


def _is_tracking(parameter: str) -> bool:
    exact, prefixes = _tracking_names()
    name = unquote(parameter.partition("=")[0]).strip().lower()
    return name in exact or name.startswith(prefixes)


@cache
def _tracking_names() -> tuple[frozenset[str], tuple[str, ...]]:
    table = tomllib.loads(resources.files("producers").joinpath("tracking.toml").read_text("utf-8"))
    names = [name.lower() for group in table["group"] for name in group["names"]]
    return (
        frozenset(name for name in names if not name.endswith("*")),
        tuple(name[:-1] for name in names if name.endswith("*")),
    )

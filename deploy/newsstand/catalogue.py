"""The newsstand's feeds as the producers' catalogue (TOML), and the host names to send to its server. Pure."""

import json
from collections.abc import Iterator

from deploy.newsstand.model import Publisher, Stand


def hosts(stand: Stand) -> tuple[str, ...]:
    """Every host name of the newsstand, sorted: what a reader must connect to the server's address."""
    return tuple(sorted(stand.publisher_by_host))


def _toml(value: str | tuple[str, ...]) -> str:
    """A TOML basic string or array; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _publisher_lines(publisher: Publisher) -> Iterator[str]:
    yield "[[publisher]]"
    for key in ("id", "name", "kind", "group", "country", "language", "coverage"):
        yield f"{key} = {_toml(getattr(publisher, key))}"
    for feed in publisher.feeds:
        yield "[[publisher.feed]]"
        yield f"url = {_toml(feed.url)}"
        yield f"section = {_toml(feed.section)}"
    yield ""


def feeds_catalogue(stand: Stand) -> str:
    """The feed list in the catalogue format of the producers: a [[publisher]] table each with [[publisher.feed]]s.

    Feeds that have moved, are gone or are not feeds are listed as well, at the addresses where a reader knew them.
    """
    return "\n".join(line for publisher in stand.publishers for line in _publisher_lines(publisher))

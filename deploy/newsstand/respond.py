"""One request -> one answer. Pure: the clock and what was read before come in, and what is now read goes out.

    host and path -> publisher -> article | feed | front | robots.txt | picture -> Resource -> `delivery.deliver`

A request to the server's own address (127.0.0.1, localhost) is a person's: it gets a front page of the whole stand
and, under /_/HOST/PATH, the same pages with links that a browser can follow. It never counts as a reading.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from deploy.newsstand.behaviours import BEHAVIOURS
from deploy.newsstand.delivery import Resource, deliver
from deploy.newsstand.edition import feed_entries, last_modified, related, shelf
from deploy.newsstand.feeds import CONTENT_TYPES, feed_document
from deploy.newsstand.model import Article, Feed, Publisher, Request, Response, Stand
from deploy.newsstand.pages import TEMPLATES, article_page, front_page, notice, picture, robots_txt
from deploy.newsstand.wording import slug

RETRY_AFTER_SECONDS = 2
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_HTML = "text/html; charset=utf-8"
# The CMS of 2012 leaves the charset to a meta element.
_HTML_BY_TEMPLATE = {"soup": "text/html"}
_LOCAL_LINK = re.compile(r'(?P<attribute>\b(?:href|src|data-src))="http://(?P<host>[a-z0-9.-]+\.example)(?=[/"])')

Reads = Mapping[str, datetime]


def _html(publisher: Publisher, text: str, status: int = HTTPStatus.OK) -> Resource:
    return Resource(_HTML_BY_TEMPLATE.get(publisher.template, _HTML), text.encode(), status)


def _not_found(publisher: Publisher) -> Resource:
    text = notice(publisher, "Page introuvable", "La page demandée n’existe pas ou n’existe plus.")
    return _html(publisher, text, HTTPStatus.NOT_FOUND)


def _article(stand: Stand, publisher: Publisher, article: Article, now: datetime, reads: Reads) -> Resource:
    views = shelf(stand, publisher, now, reads)
    view = next((view for view in views if view.article is article), None)
    if view is None:
        return _not_found(publisher)
    others = related(view, views)
    return replace(
        _html(publisher, article_page(publisher, view, others)),
        last_modified=last_modified(stand, (view, *others)),
        etags=publisher.etags,
        delay_seconds=stand.slow_seconds if publisher.slow else 0.0,
        read_key=article.name if article.correction else "",
    )


def _feed(stand: Stand, publisher: Publisher, feed: Feed, now: datetime, reads: Reads) -> Resource:
    entries = feed_entries(stand, publisher, feed, now, reads)
    updated_at = last_modified(stand, entries)
    body = feed_document(publisher, feed, entries, updated_at)
    return Resource(CONTENT_TYPES[feed.format], body, last_modified=updated_at, etags=publisher.etags)


def _busy(publisher: Publisher, feed: Feed, seconds: float) -> Resource:
    text = notice(publisher, "Trop de requêtes", "Merci de réessayer dans quelques instants.")
    busy = _html(publisher, text, HTTPStatus.TOO_MANY_REQUESTS)
    return replace(busy, headers={"Retry-After": str(math.ceil(seconds))}, read_key=feed.url)


def _announced_feed(stand: Stand, publisher: Publisher, feed: Feed, now: datetime, reads: Reads) -> Resource:
    """What stands at the address of a feed that the catalogue knows."""
    match feed.answer:
        case "moved":
            text = notice(publisher, "Adresse modifiée", "Ce fil a changé d’adresse.")
            moved = _html(publisher, text, HTTPStatus.MOVED_PERMANENTLY)
            return replace(moved, headers={"Location": f"http://{feed.host}{feed.moved_to}"})
        case "gone":
            return _html(publisher, notice(publisher, "Fil fermé", "Ce fil n’est plus publié."), HTTPStatus.GONE)
        case "html":
            return _front(stand, publisher, "", now, reads)
        case "too_many_requests":
            open_at = reads.get(feed.url, now) + timedelta(seconds=RETRY_AFTER_SECONDS)
            if now < open_at:
                return _busy(publisher, feed, (open_at - now).total_seconds())
    return _feed(stand, publisher, feed, now, reads)


def _front(stand: Stand, publisher: Publisher, section: str, now: datetime, reads: Reads) -> Resource:
    views = shelf(stand, publisher, now, reads)
    page = _html(publisher, front_page(publisher, views, section))
    return replace(page, last_modified=last_modified(stand, views), etags=publisher.etags)


def _static(stand: Stand, publisher: Publisher, path: str) -> Resource | None:
    """robots.txt and pictures: what does not depend on the moment."""
    if path == "/robots.txt" and publisher.robots:
        text = robots_txt(publisher).encode()
        return Resource("text/plain; charset=utf-8", text, last_modified=stand.opened_at, etags=publisher.etags)
    if path.startswith("/images/") and path.endswith(".png"):
        return Resource("image/png", picture(publisher.colour), last_modified=stand.opened_at, etags=publisher.etags)
    return None


def resource_at(stand: Stand, host: str, path: str, now: datetime, reads: Reads) -> Resource | None:
    """What stands at a host and path now; None where the host is none of ours. The query is not part of `path`."""
    publisher = stand.publisher_by_host.get(host)
    if publisher is None:
        return None
    if article := stand.article_by_address.get((host, path)):
        return _article(stand, publisher, article, now, reads)
    for feed in publisher.feeds:
        if (feed.host, feed.path) == (host, path):
            return _announced_feed(stand, publisher, feed, now, reads)
        if feed.moved_to and (feed.host, feed.moved_to) == (host, path):
            return _feed(stand, publisher, feed, now, reads)
    if static := _static(stand, publisher, path):
        return static
    fronts = {"/": ""} | {f"/{slug(section)}/": section for section in publisher.sections}
    if host == publisher.host and path in fronts:
        return _front(stand, publisher, fronts[path], now, reads)
    return _not_found(publisher)


def _local(stand: Stand, path: str, now: datetime, reads: Reads) -> Resource | None:
    """What a person who opens the server's own address gets."""
    if path == "/":
        racks = [(publisher, shelf(stand, publisher, now, reads)) for publisher in stand.publishers]
        behaviours = [(behaviour, behaviour.urls(stand)) for behaviour in BEHAVIOURS]
        text = TEMPLATES.get_template("stand.html").render(stand=stand, racks=racks, behaviours=behaviours)
        return Resource(_HTML, _followable(text).encode())
    prefix, _, rest = path.removeprefix("/_/").partition("/")
    if not path.startswith("/_/") or (found := resource_at(stand, prefix, f"/{rest}", now, reads)) is None:
        return None
    if found.content_type.startswith("text/html"):
        found = replace(found, body=_followable(found.body.decode()).encode())
    headers = {name: value.replace("http://", "/_/") for name, value in found.headers.items()}
    return replace(found, headers=headers, delay_seconds=0.0, read_key="")


def _followable(html: str) -> str:
    """The page with links to our hosts turned into local ones."""
    return _LOCAL_LINK.sub(r'\g<attribute>="/_/\g<host>', html)


def respond(stand: Stand, request: Request, now: datetime, reads: Reads) -> Response:
    """The answer to a request.

    Args:
        stand: the whole content.
        request: its facts; an absolute-form target has been split into host and path by the shell.
        now: aware UTC.
        reads: when each `read_key` of an earlier answer was first given out.
    """
    if request.method not in ("GET", "HEAD"):
        return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"}, b"")
    path = request.path.partition("?")[0].partition("#")[0]
    local = request.host in LOCAL_HOSTS
    resource = _local(stand, path, now, reads) if local else resource_at(stand, request.host, path, now, reads)
    if resource is None:
        resource = Resource("text/plain; charset=utf-8", b"no such host or page here\n", HTTPStatus.NOT_FOUND)
    return deliver(resource, request)

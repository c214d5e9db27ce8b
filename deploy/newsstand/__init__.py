"""The newsstand: invented French publishers whose feeds and pages are served over HTTP as the real web serves them.

The demo, the end-to-end tests and the benchmarks read from it. Publishers live under the reserved TLD .example, so a
reader reaches them by sending every host of `hosts(stand)` to the server's address (curl calls it connect-to); URLs,
and with them article ids, do not depend on the port.
"""

from deploy.newsstand.behaviours import BEHAVIOURS, Behaviour
from deploy.newsstand.catalogue import feeds_catalogue, hosts
from deploy.newsstand.loading import BadArticle, load_stand, parse_article
from deploy.newsstand.model import Article, Request, Response, Stand
from deploy.newsstand.respond import respond
from deploy.newsstand.server import AccessRecord, Newsstand, serve

__all__ = [
    "BEHAVIOURS",
    "AccessRecord",
    "Article",
    "BadArticle",
    "Behaviour",
    "Newsstand",
    "Request",
    "Response",
    "Stand",
    "feeds_catalogue",
    "hosts",
    "load_stand",
    "parse_article",
    "respond",
    "serve",
]

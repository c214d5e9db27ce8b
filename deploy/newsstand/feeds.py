"""A publisher's entries -> the bytes of its RSS 2.0 or Atom 1.0 feed. Pure."""

from datetime import datetime
from email.utils import format_datetime

from deploy.newsstand.edition import Shown
from deploy.newsstand.model import Feed, Publisher
from deploy.newsstand.pages import TEMPLATES, image_url, teaser
from deploy.newsstand.wording import slug

# Not text/xml: without a charset parameter that would mean us-ascii to readers that follow RFC 3023.
CONTENT_TYPES = {"rss": "application/rss+xml", "atom": "application/atom+xml"}


def _entry(publisher: Publisher, feed: Feed, view: Shown) -> dict[str, object]:
    zone = publisher.time_zone
    return {
        "view": view,
        "article": view.article,
        "link": view.url + feed.tracking,
        "byline": ", ".join(view.article.authors) or publisher.name,
        "pub_date": format_datetime(view.published_at.astimezone(zone)),
        "published": view.published_at.astimezone(zone).isoformat(),
        "updated": view.modified_at.astimezone(zone).isoformat(),
        "image": image_url(publisher, view),
        "blocks": teaser(view).blocks,
        "audio": f"http://{publisher.host}/audio/{view.article.name}.mp3",
        "tag": f"tag:{publisher.id},2026:{slug(view.article.name)}",
    }


def feed_document(publisher: Publisher, feed: Feed, views: tuple[Shown, ...], updated_at: datetime) -> bytes:
    """The feed in its declared encoding; characters that the encoding lacks are numeric references.

    Args:
        publisher: whose feed it is.
        feed: format, encoding and habits.
        views: the entries, newest first.
        updated_at: the latest change among them, aware UTC.
    """
    text = TEMPLATES.get_template(f"feed_{feed.format}.xml").render(
        publisher=publisher,
        feed=feed,
        home=f"http://{publisher.host}",
        entries=[_entry(publisher, feed, view) for view in views],
        build_date=format_datetime(updated_at.astimezone(publisher.time_zone)),
        updated=updated_at.astimezone(publisher.time_zone).isoformat(),
    )
    return text.encode(feed.encoding, "xmlcharrefreplace")

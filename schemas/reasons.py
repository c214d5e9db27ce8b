"""The slugs that name what became of things: stages, dispositions, dead-letter reasons.

One slug is a value in messages, a metric label, a search facet and a heading in docs/troubleshooting.md. Slugs are part
of the public surface: add, never rename.
"""

from typing import Final, Literal

Stage = Literal["poll", "dedupe", "enrich", "reenrich", "cluster", "index"]

Disposition = Literal[
    "fetched",
    "teaser_kept",
    "before_start",
    "robots_disallowed",
    "not_an_article",
    "extraction_failed",
    "fetch_failed",
    "too_large",
    "address_refused",
    "accepted",
    "revised",
    "not_modified",
    "superseded",
    "withdrawn",
    "not_french",
    "tagged",
    "clustered",
    "indexed",
    "dead_letter",
]

DISPOSITIONS: Final[dict[Disposition, str]] = {
    "fetched": "The page was read and its text extracted.",
    "teaser_kept": "The page gave only a beginning (paywall) or nothing; what page or feed said is kept.",
    "before_start": "The entry was older than the first-run window and was marked as seen without reading its page.",
    "robots_disallowed": "robots.txt forbids the page to our user agent.",
    "not_an_article": "The page is a cookie wall, an error page or a list, and the feed has no text of its own.",
    "extraction_failed": "The page could not be parsed within the limits of time and memory.",
    "fetch_failed": "The page did not answer usably after all retries.",
    "too_large": "The page is larger than the limit.",
    "address_refused": "The page's host resolves to an address that producers must not reach.",
    "accepted": "First revision of an article.",
    "revised": "A later revision: title, text or access changed.",
    "not_modified": "The same content as the revision before.",
    "superseded": "Older than what is already known of the article.",
    "withdrawn": "The article was withdrawn; everything kept of it is deleted.",
    "not_french": "The text is in another language.",
    "tagged": "Labels were made.",
    "clustered": "A story was found or founded.",
    "indexed": "Searchable.",
    "dead_letter": "Set aside with its reason; `kiosque dead` shows it.",
}

DEAD_LETTER_REASONS: Final[dict[str, str]] = {
    "invalid_message": "The bytes are not a message of this topic's schema.",
    "wrong_key": "The record's key is not the message's article_id.",
    "internal_error": "Our own code failed on this message; the traceback is in the detail.",
    "record_too_large": "The result would exceed the largest record.",
    "processing_timeout": "The message took longer than the limit and its worker process was ended.",
    "document_rejected": "Elasticsearch refused the document for what it contains.",
}

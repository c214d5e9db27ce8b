"""What makes two readings of an article the same: a versioned digest of what a reader would notice.

White space, apostrophe style and Unicode composition are not content. Empty parts are left out, so that a part added to
the list later changes no old fingerprint. A new version never makes a storm of revisions: `same` compares only
fingerprints of one version, and dedupe takes over a new version silently.
"""

import hashlib
import unicodedata
from typing import Final

from schemas.messages import ArticleCore

VERSION: Final = "1"

_APOSTROPHES: Final = "’ʼ‘"


def normalized(text: str | None) -> str:
    """The text as the fingerprint sees it: NFC, one kind of apostrophe, single spaces."""
    if not text:
        return ""
    composed = unicodedata.normalize("NFC", text)
    for apostrophe in _APOSTROPHES:  # four times as fast as str.translate
        composed = composed.replace(apostrophe, "'")
    return " ".join(composed.split())


def fingerprint(article: ArticleCore) -> str:
    """The versioned digest of title, standfirst, text and access, as `version:hexadecimal`."""
    parts = {
        "title": normalized(article.title),
        "standfirst": normalized(article.standfirst),
        "text": normalized(article.text),
        "access": article.access.status if article.access.status == "subscriber" else "",
    }
    digest = hashlib.blake2b(digest_size=12)
    for name, value in parts.items():
        if value:
            digest.update(f"{name}\x1f{value}\x1e".encode())
    return f"{VERSION}:{digest.hexdigest()}"


def version_of_fingerprint(value: str) -> str:
    """The version in a fingerprint."""
    return value.partition(":")[0]

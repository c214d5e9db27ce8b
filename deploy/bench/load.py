"""Messages for benchmarks: the newsstand's words, as often as they occur there, in new orders.

Words, not sentences: texts put together from a small stock of sentences would all be near copies of one another. Pure;
the same seed gives the same load.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from deploy.newsstand import load_stand
from schemas.articles import Publisher, Timeline
from schemas.codec import encode
from schemas.labels import Provenance
from schemas.messages import ArticleCore, FetchedArticle, TaggedArticle, version_of

OPENED: Final = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
PARAGRAPHS: Final = 8
PARAGRAPH_WORDS: Final = 70
"""Together about 3.5 kB of text, the median of the French press."""
RECENT: Final = 5_000
"""Revisions and copies are of the last so many articles: they come soon or not at all."""


@dataclass(frozen=True)
class Mix:
    """Shares of the messages; the rest are new articles."""

    same: float = 0.0
    revised: float = 0.0
    copied: float = 0.0

    def __str__(self) -> str:
        shares = {"unchanged": self.same, "revised": self.revised, "copied": self.copied}
        new = 1.0 - sum(shares.values())
        return ", ".join(f"{share:.0%} {name}" for name, share in {"new": new, **shares}.items() if share)


FOR_DEDUPE: Final = Mix(same=0.15, revised=0.15)
FOR_CLUSTER: Final = Mix(copied=0.2)


def words() -> tuple[str, ...]:
    """The running text of the newsstand's French articles."""
    articles = (article for article in load_stand(OPENED).articles if article.language == "fr")
    return tuple(word for article in articles for block in article.blocks for word in block.text.split())


def records(count: int, seed: int, mix: Mix, *, tagged: bool) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of `count` messages: FetchedArticles, or TaggedArticles if `tagged`."""
    rng = random.Random(seed)  # noqa: S311  # a reproducible load, not a secret
    pool = words()
    texts: list[str] = []
    for number in range(count):
        draw = rng.random() - mix.same
        index = len(texts)
        if texts and draw < mix.revised:
            index = rng.randrange(max(0, len(texts) - RECENT), len(texts))
            if draw >= 0:
                texts[index] += f"\nMise à jour {number}."
        else:
            copied = texts and draw - mix.revised < mix.copied
            texts.append(rng.choice(texts[-RECENT:]) + "\nRepris." if copied else _text(rng, pool))
        message = _tagged(index, texts[index], number) if tagged else _fetched(index, texts[index], number)
        yield message.article_id.encode(), encode(message)


def _text(rng: random.Random, pool: tuple[str, ...]) -> str:
    return "\n".join(" ".join(rng.choices(pool, k=PARAGRAPH_WORDS)) for _ in range(PARAGRAPHS))


def _core(index: int, text: str) -> dict[str, object]:
    url = f"https://www.banc.example/articles/{index}.html"
    core = ArticleCore(
        article_id=hashlib.blake2b(url.encode(), digest_size=16).hexdigest(),
        url=url,
        publisher=Publisher(id="banc.example", name="Le Banc d’essai", kind="national"),
        title=text[:60],
        text=text,
        text_source="page",
        word_count=len(text.split()),
        published_at=OPENED,
        published_precision="second",
    )
    return {name: getattr(core, name) for name in ArticleCore.__struct_fields__}


def _fetched(index: int, text: str, number: int) -> FetchedArticle:
    at = OPENED + timedelta(seconds=number)
    return FetchedArticle(**_core(index, text), discovered_at=at, fetched_at=at)  # type: ignore[arg-type]  # fields of ArticleCore


def _tagged(index: int, text: str, number: int) -> TaggedArticle:
    at = OPENED + timedelta(seconds=number)
    return TaggedArticle(
        **_core(index, text),  # type: ignore[arg-type]  # fields of ArticleCore
        revision=1,
        version=version_of(1, 0),
        labels_release="bench",
        language="fr",
        accepted_at=at,
        timeline=Timeline(published=OPENED, discovered=at, fetched=at, accepted=at, enriched=at),
        provenance=Provenance(),
    )

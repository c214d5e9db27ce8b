"""Articles for tests: one builder for each message, with sensible values that a test overrides where it cares."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.articles import Publisher, Timeline
from schemas.labels import Provenance, Story
from schemas.messages import EnrichedArticle, FetchedArticle, TaggedArticle, UniqueArticle, version_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

PUBLISHER = Publisher(id="phare-ouest.example", name="Le Phare de l’Ouest", kind="regional", coverage=("44",))

TEXT = (
    "Le conseil municipal a voté lundi soir le budget de la cantine scolaire.\n"
    "Les parents demandaient depuis deux ans des repas cuisinés sur place plutôt que livrés froids.\n"
    "« Nous commencerons à la rentrée », a promis l’adjointe chargée des écoles, Maëlle Kerdoncuff."
)


def article_id(url: str) -> str:
    return hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def _core(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    url = f"http://www.phare-ouest.example/{name}.html"
    text = changes.get("text", TEXT)
    return {
        "article_id": article_id(url),
        "url": url,
        "publisher": PUBLISHER,
        "title": "La cantine cuisinera sur place",
        "text": text,
        "text_source": "page" if text else "none",
        "word_count": len((text or "").split()),
        "published_at": NOON - minutes(30),
        "published_precision": "second",
        **changes,
    }


def fetched(name: str = "cantine", **changes: Any) -> FetchedArticle:
    return FetchedArticle(**{"discovered_at": NOON, "fetched_at": NOON, **_core(name, changes)})


def unique(name: str = "cantine", revision: int = 1, **changes: Any) -> UniqueArticle:
    ours = {
        "discovered_at": NOON,
        "first_published_at": NOON - minutes(30),
        "fetched_at": NOON,
        "accepted_at": NOON,
        "revised_at": NOON,
    }
    return UniqueArticle(**{**ours, "revision": revision, **_core(name, changes)})


def _labelled(name: str, revision: int, run: int, changes: dict[str, Any]) -> dict[str, Any]:
    ours = {
        "revision": revision,
        "version": version_of(revision, run),
        "labels_release": "2026.11-1",
        "language": "fr",
        "accepted_at": NOON,
        "timeline": Timeline(published=NOON - minutes(30), discovered=NOON, fetched=NOON, accepted=NOON, enriched=NOON),
        "provenance": Provenance(),
    }
    return ours | _core(name, changes)


def tagged(name: str = "cantine", revision: int = 1, run: int = 0, **changes: Any) -> TaggedArticle:
    return TaggedArticle(**_labelled(name, revision, run, changes))


def enriched(name: str = "cantine", revision: int = 1, run: int = 0, **changes: Any) -> EnrichedArticle:
    values = _labelled(name, revision, run, changes)
    return EnrichedArticle(**{"story": Story(id=values["article_id"], relation="first"), **values})

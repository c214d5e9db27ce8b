"""Articles, traces and records for the tests of the sink. All texts are invented for them."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from schemas.articles import Access, Change, Image, Publisher, Rights, Timeline
from schemas.codec import encode
from schemas.headers import REPLAY_OF, article_headers, dead_letter_headers
from schemas.labels import (
    Entities,
    Entity,
    GeoPoint,
    Place,
    Places,
    Provenance,
    Quotes,
    Story,
    TopicLabel,
    Topics,
)
from schemas.messages import DeadLetter, EnrichedArticle, Trace, version_of
from schemas.withdrawals import Scope, WithdrawalOrder, WithdrawalOrders, order_key
from sinks.mapping import IndexNames, index_names
from sinks.options import IndexerOptions
from sinks.records import Partition, Record

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DISCOVERED = NOW - timedelta(minutes=5)
ACCEPTED = NOW - timedelta(minutes=4)

PREFIX = "essai"
ARTICLES = "articles.enriched"
TRACES = "articles.trace"
REDELIVERED = "articles.redelivered"


def article_id(slug: str) -> str:
    """As the producers make it: a hash of 32 hexadecimal digits."""
    return blake2b(slug.encode(), digest_size=16).hexdigest()


def article(slug: str = "halles", *, revision: int = 1, run: int = 0, **changes: Any) -> EnrichedArticle:
    """A short article; `changes` replace fields of the message."""
    fields: dict[str, Any] = {
        "article_id": article_id(slug),
        "url": f"https://www.courrier-du-val.example/{slug}",
        "publisher": Publisher(id="courrier-du-val.example", name="Le Courrier du Val", kind="regional"),
        "title": "Les halles rouvrent après deux ans de travaux",
        "text": "Les commerçants retrouvent leurs étals dès mardi.",
        "text_source": "page",
        "word_count": 7,
        "published_at": DISCOVERED - timedelta(hours=1),
        "published_precision": "second",
        "revision": revision,
        "version": version_of(revision, run),
        "labels_release": "2026.03",
        "language": "fr",
        "accepted_at": ACCEPTED,
        "timeline": Timeline(discovered=DISCOVERED, fetched=DISCOVERED, accepted=ACCEPTED),
        "provenance": Provenance(),
        "story": Story(id=article_id(slug), relation="first"),
    }
    return EnrichedArticle(**{**fields, **changes})


def full_article() -> EnrichedArticle:
    """An article in which every field of the message has a value."""
    return article(
        "sommet",
        revision=2,
        url_aliases=("https://www.courrier-du-val.example/ancien",),
        publisher=Publisher(
            id="courrier-du-val.example",
            name="Le Courrier du Val",
            kind="regional",
            group="Presse du Val",
            coverage=("45", "41"),
            country="FR",
        ),
        feeds=("https://www.courrier-du-val.example/rss.xml",),
        title="L’émissaire américain reçu à Orléans",
        standfirst="Une visite brève avant le sommet.",
        text="L’émissaire est arrivé lundi.\n« Nous avançons », a dit la maire.",
        authors=("Jeanne Aubry",),
        section="Monde",
        keywords=("diplomatie",),
        genre="report",
        sponsored=False,
        image=Image(url="https://www.courrier-du-val.example/sommet.jpg"),
        access=Access(status="subscriber", truncated=True, evidence=("json-ld",)),
        rights=Rights(
            tdm_reserved=True,
            tdm_policy="https://www.courrier-du-val.example/tdm.json",
            robots=("max-snippet:50",),
            basis="licence",
            evidence=("header tdm-reservation: 1",),
        ),
        agency=("AFP",),
        modified_at=DISCOVERED,
        problems=("text capped",),
        change=Change(kinds=("title",), title_before="L’émissaire reçu à Orléans", diff="-un\n+deux"),
        entities=Entities(
            person=("Jeanne Aubry",),
            organization=("Otan",),
            in_title=("Orléans",),
            detail=(Entity(name="Jeanne Aubry", kind="PER", count=1, mentions=((3, 15),)),),
        ),
        places=Places(
            name=("Orléans",),
            location=(GeoPoint(47.9, 1.9),),
            insee=("45234",),
            department=("45",),
            country=("FR",),
            detail=(
                Place(
                    name="Orléans",
                    kind="commune",
                    country="FR",
                    location=GeoPoint(47.9, 1.9),
                    insee="45234",
                    department="45",
                    evidence=("Orléans",),
                ),
            ),
        ),
        primary_place="Orléans",
        topics=Topics(
            code=("medtop:11000000",),
            label=("politique",),
            detail=(TopicLabel(code="medtop:11000000", label="politique", score=0.9, evidence=("lexicon:sommet",)),),
        ),
        keyphrases=("émissaire américain",),
        quotes=Quotes(speaker=("la maire",), text=("Nous avançons",)),
        timeline=Timeline(
            published=DISCOVERED - timedelta(hours=1),
            discovered=DISCOVERED,
            fetched=DISCOVERED,
            accepted=ACCEPTED,
            enriched=ACCEPTED,
            clustered=NOW,
        ),
        provenance=Provenance(versions={"fr-core-news-md": "3.8.0"}, problems=("short",), trace_id="t1"),
    )


def trace(slug: str = "halles", *, number: int = 1, **changes: Any) -> Trace:
    """What became of an article at one stage."""
    fields: dict[str, Any] = {
        "trace_id": f"{article_id(slug)}-{number}",
        "article_id": article_id(slug),
        "url": f"https://www.courrier-du-val.example/{slug}",
        "title": "Les halles rouvrent après deux ans de travaux",
        "publisher_id": "courrier-du-val.example",
        "feed": "https://www.courrier-du-val.example/rss.xml",
        "stage": "dedupe",
        "disposition": "accepted",
        "detail": "first sight",
        "revision": 1,
        "at": ACCEPTED,
    }
    return Trace(**{**fields, **changes})


def names(prefix: str = PREFIX) -> IndexNames:
    return index_names(prefix)


def options(**changes: Any) -> IndexerOptions:
    """Options of an installation whose servers do not exist."""
    fields: dict[str, Any] = {
        "kafka": "127.0.0.1:1",
        "topic_prefix": "",
        "elasticsearch": "http://127.0.0.1:1",
        "index_prefix": PREFIX,
        "refresh_interval": "200ms",
        "batch_seconds": 0.0,
        "retry_seconds": 0.5,
        "retry_max_seconds": 2.0,
        "probe_seconds": 0.5,
    }
    return IndexerOptions(**{**fields, **changes})


def article_record(message: EnrichedArticle, offset: int = 0, *, partition: int = 0, **changes: Any) -> Record:
    """The article as cluster writes it."""
    record = Record(
        partition=Partition(ARTICLES, partition),
        offset=offset,
        key=message.article_id.encode(),
        value=encode(message),
        headers=tuple(article_headers(message.article_id, message.version, message.url, NOW)),
    )
    return _changed(record, changes)


def withdrawal_record(slug: str, version: int, offset: int = 0, *, partition: int = 0, **changes: Any) -> Record:
    """The null value that withdraws an article."""
    identifier = article_id(slug)
    headers = article_headers(identifier, version, f"https://www.courrier-du-val.example/{slug}", NOW, "withdrawn")
    record = Record(Partition(ARTICLES, partition), offset, identifier.encode(), None, tuple(headers))
    return _changed(record, changes)


def trace_record(message: Trace, offset: int = 0, *, partition: int = 0, **changes: Any) -> Record:
    """The trace as a stage writes it."""
    record = Record(Partition(TRACES, partition), offset, message.article_id.encode(), encode(message))
    return _changed(record, changes)


def redelivered_record(original: Record, offset: int = 0, *, came_from: str | None = None) -> Record:
    """A record that this stage had set aside, tried again as `kiosque dead replay` does."""
    letter = DeadLetter(
        reason="document_rejected",
        stage="index",
        detail="400",
        kafka_topic=came_from or original.partition.kafka_topic,
        partition=original.partition.number,
        offset=original.offset,
        at=NOW,
    )
    headers = (*dead_letter_headers(original.headers, letter), (REPLAY_OF, b"articles.dead:1:7"))
    return _changed(original, {"partition": Partition(REDELIVERED, 0), "offset": offset, "headers": headers})


def orders(*given: tuple[Scope, str]) -> WithdrawalOrders:
    """Orders in force: (scope, target)."""
    held = WithdrawalOrders()
    for scope, target in given:
        order = WithdrawalOrder(scope=scope, target=target, requested_at=NOW)
        held.load(order_key(order), order)
    return held


def _changed(record: Record, changes: dict[str, Any]) -> Record:
    fields = {name: getattr(record, name) for name in ("partition", "offset", "key", "value", "headers")}
    return Record(**{**fields, **changes})


def body(document: dict[str, Any]) -> bytes:
    return msgspec.json.encode(document)

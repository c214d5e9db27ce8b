"""What the services are fed with: articles whose contents go v1, v2, v1, and withdrawals, for every topic.

A content is a letter; the same letter is the same content. Texts are short, so that labelling them costs little.
"""

from collections.abc import Iterator, Sequence
from itertools import count

from schemas.codec import encode
from schemas.headers import article_headers
from schemas.messages import (
    EnrichedArticle,
    FetchedArticle,
    TaggedArticle,
    Trace,
    UniqueArticle,
    Withdrawal,
    version_of,
)
from tests.articles import NOON, article_id, enriched, fetched, minutes, tagged, unique
from tests.services import LogRecord

Fed = tuple[bytes, bytes | None]
"""Key and value of a record to produce."""

_TEXT = (
    "Le conseil municipal de Nantes a voté lundi soir le budget de la cantine scolaire de {name}. "
    "Les parents demandaient depuis deux ans des repas cuisinés sur place, a rappelé Maëlle Kerdoncuff. "
    "État {content} du dossier {name}."
)


def text(name: str, content: str) -> str:
    return _TEXT.format(name=name, content=content)


def id_of(name: str) -> str:
    """The article_id of a name; tests.articles gives each name its own address."""
    return article_id(f"http://www.phare-ouest.example/{name}.html")


def reading(name: str, content: str, minute: float, number: int = 0) -> FetchedArticle:
    """A reading of an article, made `minute` minutes after noon, as the `number`-th announced change."""
    return fetched(name, text=text(name, content), fetched_at=NOON + minutes(minute), reading=number)


def withdrawal(name: str, revision: int = 0) -> Withdrawal:
    return Withdrawal(article_id=id_of(name), reason="withdrawn_by_publisher", requested_at=NOON, revision=revision)


def revision(name: str, content: str, number: int) -> UniqueArticle:
    return unique(name, number, text=text(name, content))


def labelled(name: str, content: str, number: int, run: int = 0) -> TaggedArticle:
    return tagged(name, number, run, text=text(name, content))


def clustered(name: str, content: str, number: int, run: int = 0) -> EnrichedArticle:
    return enriched(name, number, run, text=text(name, content))


def trace_of(name: str) -> Fed:
    """A trace that names its article, as the poller writes it."""
    message = Trace(
        trace_id=id_of(f"trace {name}"),
        article_id=id_of(name),
        url=f"http://www.phare-ouest.example/{name}.html",
        title="La cantine cuisinera sur place",
        publisher_id="phare-ouest.example",
        stage="poll",
        disposition="fetched",
        at=NOON,
    )
    return id_of(name).encode(), encode(message)


def fed(*messages: FetchedArticle | UniqueArticle | TaggedArticle | Withdrawal) -> list[Fed]:
    """The messages as records under their keys."""
    return [(message.article_id.encode(), encode(message)) for message in messages]


def published(message: EnrichedArticle | Withdrawal) -> LogRecord:
    """A record of articles.enriched with its headers, as cluster writes it."""
    key = message.article_id.encode()
    if isinstance(message, Withdrawal):
        version = version_of(message.revision, 0)
        headers = article_headers(message.article_id, version, message.article_id, NOON, kind="withdrawn")
        return LogRecord(0, 0, key, None, tuple(headers))
    headers = article_headers(message.article_id, message.version, message.url, NOON)
    return LogRecord(0, 0, key, encode(message), tuple(headers))


def fetched_life(life: int) -> list[Fed]:
    """What dedupe gets before its life number `life`: v1, v2, v1, a withdrawal, a repetition, an old reading.

    Two articles go through all lives: one alternates its contents, one is withdrawn in the first and read ever again.
    """
    clock = count(life * 100)
    new = [f"{life}-{letter}" for letter in "abcdef"]
    messages = [reading(name, "1", next(clock)) for name in new]
    messages += [reading("durable", str(life % 2), next(clock)), reading("retiré", str(life), next(clock))]
    messages += [reading(name, "2", next(clock)) for name in new]
    if life == 0:
        messages.append(withdrawal("retiré"))
    messages += [withdrawal(new[0]), reading(new[0], "1", next(clock)), reading("retiré", "x", next(clock))]
    messages += [reading(name, "1", next(clock)) for name in new]
    messages += [reading(new[1], "1", next(clock)), reading(new[2], "2", life * 100 + 0.5)]
    return fed(*messages)


def unique_life(life: int) -> list[Fed]:
    """What enrich gets: revisions of v1, v2, v1, and a withdrawal in between."""
    new = [f"{life}-{letter}" for letter in "abc"]
    messages = [revision(name, content, number) for number, content in ((1, "1"), (2, "2")) for name in new]
    messages += [withdrawal(new[0], 3), *(revision(name, "1", 3) for name in new[1:])]
    return fed(*messages, revision("durable", str(life % 2), life + 1))


def reenrich_life(life: int) -> list[Fed]:
    """What reenrich gets: articles of two runs."""
    new = [f"{life}-{letter}" for letter in "abc"]
    return fed(*(labelled(name, "1", 1 + life % 2, run) for run in (1, 2) for name in new))


def tagged_life(life: int) -> list[Fed]:
    """What cluster gets: v1, v2, v1, some of them again as after a crash of enrich, a withdrawal, late arrivals."""
    new = [f"{life}-{letter}" for letter in "abc"]
    first = [labelled(name, "1", 1) for name in new]
    second = [labelled(name, "2", 2) for name in new]
    messages = [*first, *second, *first, *second, withdrawal(new[0], 3), labelled(new[1], "1", 3)]
    messages += [first[0], labelled(new[0], "2", 2, run=1), labelled(new[2], "2", 2, run=1), withdrawal(new[0], 3)]
    return fed(*messages, labelled("durable", str(life % 2), life + 1))


def enriched_life(life: int) -> list[LogRecord]:
    """What the sink gets: v1, v2, v1, a new run, a withdrawal, and records that it must set aside."""
    new = [f"{life}-{letter}" for letter in "abc"]
    messages = [clustered(name, content, number) for number, content in ((1, "1"), (2, "2")) for name in new]
    messages += [withdrawal(new[0], 3), clustered(new[1], "1", 3), clustered(new[1], "1", 3, run=1)]
    messages.append(clustered("durable", str(life % 2), life + 1))
    hostile = [LogRecord(0, 0, b"cle", b"{}", ()), LogRecord(0, 0, id_of(new[2]).encode(), None, ())]
    return [*(published(message) for message in messages), *hostile]


def chunks(records: Sequence[Fed], size: int) -> Iterator[Sequence[Fed]]:
    for start in range(0, len(records), size):
        yield records[start : start + size]

"""What articles.unique must hold, from a linear re-read of articles.fetched: DESIGN D5 written down a second time.

Nothing of the stage is used but the fingerprint: the record's place in the log, its times and its content decide. For
an article that is covered by a withdrawal order only the moment is open at which the stage came to know the order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from processors.fingerprint import fingerprint
from schemas.codec import InvalidMessage, decode_fetched, decode_unique
from schemas.messages import FetchedArticle, UniqueArticle, Withdrawal
from schemas.withdrawals import WithdrawalOrders
from tests.services import LogRecord

TOPIC = "articles.unique"


@dataclass(frozen=True, slots=True)
class Item:
    """A record of articles.unique as far as it can be right or wrong; `content` is empty for a withdrawal."""

    revision: int
    content: str

    @property
    def shown(self) -> str:
        return f"revision {self.revision}" if self.content else f"withdrawal {self.revision}"


@dataclass(slots=True)
class _Article:
    read_at: datetime | None = None
    reading: int = 0
    content: str = ""
    revision: int = 0
    withdrawn: bool = False


def short(article_id: str | bytes) -> str:
    """An article's id as sentences show it."""
    return (article_id.decode(errors="replace") if isinstance(article_id, bytes) else article_id)[:8]


def fetched_messages(records: Iterable[LogRecord]) -> list[FetchedArticle | Withdrawal]:
    """The records of articles.fetched that are messages under their own key, in the order of the log."""
    found = []
    for record in records:
        try:
            message = decode_fetched(record.value or b"")
        except InvalidMessage:
            continue
        if record.key == message.article_id.encode():
            found.append(message)
    return found


def expected_items(fetched: Iterable[LogRecord]) -> dict[str, list[Item]]:
    """Article -> what must be on articles.unique, in order."""
    articles: dict[str, _Article] = defaultdict(_Article)
    expected: dict[str, list[Item]] = defaultdict(list)
    for message in fetched_messages(fetched):
        known, items = articles[message.article_id], expected[message.article_id]
        if isinstance(message, Withdrawal):
            known.revision += not known.withdrawn
            known.withdrawn = True
            items.append(Item(known.revision, ""))
        elif not known.withdrawn and not _is_old(known, message):
            _take_in(known, message, items)
    return expected


def _is_old(known: _Article, message: FetchedArticle) -> bool:
    return known.read_at is not None and message.fetched_at < known.read_at and message.reading <= known.reading


def _take_in(known: _Article, message: FetchedArticle, items: list[Item]) -> None:
    known.read_at = max(message.fetched_at, known.read_at or message.fetched_at)
    known.reading = max(message.reading, known.reading)
    content = fingerprint(message)
    if content != known.content:
        known.revision, known.content = known.revision + 1, content
        items.append(Item(known.revision, content))


def items_of(unique: Iterable[LogRecord]) -> dict[str, list[Item]]:
    """Article -> what is on articles.unique; records that are no messages are left out (they become dead letters)."""
    found: dict[str, list[Item]] = defaultdict(list)
    for record in unique:
        try:
            message = decode_unique(record.value or b"")
        except InvalidMessage:
            continue
        if record.key == message.article_id.encode():
            content = fingerprint(message) if isinstance(message, UniqueArticle) else ""
            found[message.article_id].append(Item(message.revision, content))
    return found


def revision_faults(
    fetched: Sequence[LogRecord], unique: Sequence[LogRecord], orders: WithdrawalOrders | None = None
) -> list[str]:
    """How articles.unique differs from what it must be."""
    expected, found = expected_items(fetched), items_of(unique)
    covered = covered_articles(fetched, orders or WithdrawalOrders())
    faults = []
    for article in sorted(expected.keys() | found.keys()):
        must, is_ = expected.get(article, []), found.get(article, [])
        if article in covered:
            faults += _covered_faults(article, must, is_)
        else:
            faults += list_faults(article, must, is_)
    return faults


def covered_articles(fetched: Iterable[LogRecord], orders: WithdrawalOrders) -> set[str]:
    """The articles that an order covers."""
    covered = set()
    for message in fetched_messages(fetched):
        publisher = message.publisher.id if isinstance(message, FetchedArticle) else None
        if orders.covering(message.article_id, message.url, publisher) is not None:
            covered.add(message.article_id)
    return covered


def list_faults(article: str, must: Sequence[Item], is_: Sequence[Item]) -> list[str]:
    """The differences of two lists, each in a sentence."""
    if must == is_:
        return []
    wanted, found = Counter(must), Counter(is_)
    faults = []
    for item in dict.fromkeys([*must, *is_]):
        if found[item] == wanted[item]:
            continue
        if not wanted[item]:
            faults.append(_never_published(article, item, wanted))
        elif not found[item]:
            faults.append(f"{short(article)}: {item.shown} is missing on {TOPIC}")
        else:
            faults.append(f"{short(article)}: {item.shown} is on {TOPIC} {_times(found[item], wanted[item])}")
    if not faults:
        shown = ", ".join(item.shown for item in is_)
        faults.append(f"{short(article)}: {TOPIC} is out of order: {shown}")
    return faults


def _times(found: int, wanted: int) -> str:
    if wanted == 1:
        return "twice" if found == 2 else f"{found} times"
    return f"{found} times instead of {wanted}"


def _never_published(article: str, item: Item, wanted: Mapping[Item, int]) -> str:
    same_number = any(other.revision == item.revision and other.content for other in wanted)
    why = "with a content that was never published under that number" if same_number else "that nobody published"
    return f"{short(article)}: {TOPIC} has a {item.shown} {why}"


def _covered_faults(article: str, must: Sequence[Item], is_: Sequence[Item]) -> list[str]:
    """Some of the first revisions, and then withdrawals under the number that follows."""
    published = [item for item in must if item.content]
    revisions = [item for item in is_ if item.content]
    faults = []
    if revisions != published[: len(revisions)]:
        faults += list_faults(article, published[: len(revisions)], revisions)
    withdrawals = list(is_[len(revisions) :])
    if any(item.content for item in withdrawals):
        faults.append(f"{short(article)}: a revision follows the withdrawal on {TOPIC}")
    elif any(item.revision != len(revisions) + 1 for item in withdrawals):
        faults.append(f"{short(article)}: a withdrawal on {TOPIC} has the wrong number")
    if len(revisions) < len(published) and not withdrawals:
        faults.append(f"{short(article)}: {published[len(revisions)].shown} is missing on {TOPIC}")
    return faults

"""Records of articles.enriched -> records of articles.reenrich. Pure.

Of an article's several records on the log only the last one counts. Compaction removes the others late and never all of
them, so the caller looks ahead (enriched_log.py) and tells which keys come again. What it misses costs one labelling
for nothing: cluster drops the lower version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from deploy.replay.runs import Counts
from deploy.replay.selection import Selection
from processors.records import Outgoing
from schemas import kafka_topics
from schemas.codec import InvalidMessage, decode_enriched, encode
from schemas.messages import EnrichedArticle, TaggedArticle, run_of, version_of
from schemas.withdrawals import WithdrawalOrders


@dataclass(frozen=True, slots=True)
class EnrichedRecord:
    """One record of articles.enriched."""

    offset: int
    key: bytes
    value: bytes | None


@dataclass(frozen=True)
class Portion:
    """What some records at the head of a partition cause.

    Attributes:
        taken: how many records these are.
        outputs: for articles.reenrich, in their order.
        counts: of these records.
    """

    taken: int
    outputs: tuple[Outgoing, ...]
    counts: Counts


@dataclass(frozen=True)
class Choice:
    """What is constant in one partition of one run.

    Attributes:
        run: its number.
        selection: what it is about.
        last_offsets: key -> offset of its last record in the partition, as far as known.
    """

    run: int
    selection: Selection
    last_offsets: Mapping[bytes, int] = field(default_factory=dict)


def portion_of(records: Sequence[EnrichedRecord], choice: Choice, orders: WithdrawalOrders, at_most: int) -> Portion:
    """The longest portion that has at most `at_most` outputs."""
    outputs: list[Outgoing] = []
    counts = Counts()
    taken = 0
    for record in records:
        if len(outputs) == at_most:
            break
        found, output = _looked_at(record, choice, orders)
        if output is not None:
            outputs.append(output)
        counts += found
        taken += 1
    return Portion(taken, tuple(outputs), counts)


_READ: Final = Counts(read=1)
_REPEATED: Final = Counts(read=1, repeated=1)
_UNREADABLE: Final = Counts(read=1, unreadable=1)
_NEWER: Final = Counts(read=1, selected=1, newer=1)
_WITHDRAWN: Final = Counts(read=1, selected=1, withdrawn=1)
_WRITTEN: Final = Counts(read=1, selected=1, written=1)


def _looked_at(record: EnrichedRecord, choice: Choice, orders: WithdrawalOrders) -> tuple[Counts, Outgoing | None]:
    if choice.last_offsets.get(record.key, -1) > record.offset:
        return _REPEATED, None
    if record.value is None or choice.selection.key not in {None, record.key}:
        return _READ, None
    try:
        article = decode_enriched(record.value)
    except InvalidMessage:
        return _UNREADABLE, None
    if not choice.selection.covers(article):
        return _READ, None
    if run_of(article.version) >= choice.run:
        return _NEWER, None
    if orders.covering(article.article_id, article.url, article.publisher.id) is not None:
        return _WITHDRAWN, None
    return _WRITTEN, Outgoing(kafka_topics.REENRICH, record.key, encode(to_be_labelled(article, choice.run)))


def to_be_labelled(article: EnrichedArticle, run: int) -> TaggedArticle:
    """The article as it waits for new labels: with its old ones, under the version of the new ones."""
    known = {name: getattr(article, name) for name in TaggedArticle.__struct_fields__}
    return replace(TaggedArticle(**known), version=version_of(article.revision, run))

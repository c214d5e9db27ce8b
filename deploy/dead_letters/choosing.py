"""Options of `kiosque dead` -> which letters are wanted, or one sentence that says what is wrong with them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from deploy.dead_letters.letters import UNREADABLE, LetterId, Wanted
from deploy.errors import UserError
from producers.canonical import article_id, canonical_url
from schemas.reasons import DEAD_LETTER_REASONS

_REASONS: Final = (*DEAD_LETTER_REASONS, UNREADABLE)


def wanted(
    ids: Iterable[str] | None,
    *,
    topic_prefix: str,
    stage: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    article: str | None,
    url: str | None,
    topic: str | None,
    also_closed: bool = False,
) -> Wanted:
    """What the options ask for; see letters.Wanted.

    Args:
        ids: as PARTITION:OFFSET.
        topic_prefix: of the installation; `topic` may be given with it or without.
        stage: who set the letter aside.
        reason: a slug of DEAD_LETTER_REASONS, or `unreadable`.
        since: naive moments are the machine's local time.
        until: the same.
        article: the record's key.
        url: the article's address, in any spelling.
        topic: where the record came from.
        also_closed: not only open letters.

    Raises:
        UserError: an id, reason or address that is none.
    """
    if reason not in {None, *_REASONS}:
        raise UserError(f"there is no reason {reason!r}", f"choose one of {', '.join(_REASONS)}")
    if article is not None and url is not None:
        raise UserError("--article and --url both name an article", "give one of them")
    return Wanted(
        ids=frozenset(letter_ids(ids or ())),
        stage=stage,
        reason=reason,
        since=_aware(since),
        until=_aware(until),
        key=article.encode() if article is not None else _key_of(url),
        kafka_topics=frozenset() if topic is None else frozenset({topic, topic_prefix + topic}),
        also_closed=also_closed,
    )


def letter_ids(texts: Iterable[str]) -> list[LetterId]:
    """The ids.

    Raises:
        UserError: one is none.
    """
    try:
        return [LetterId.parse(text) for text in texts]
    except ValueError as error:
        raise UserError(f"{error}, a letter's name", "`kiosque dead list` shows the names") from error


def require_choice(chosen: Wanted, *, everything: bool) -> None:
    """Refuse to touch all letters by accident.

    Raises:
        UserError: nothing restricts, and nobody said that everything is meant; or both at once.
    """
    if chosen.everything and not everything:
        raise UserError("no letter is chosen", "give ids, a filter, or --everything")
    if everything and not chosen.everything:
        raise UserError("--everything goes with no id and no filter", "leave one of them out")


def _key_of(url: str | None) -> bytes | None:
    if url is None:
        return None
    try:
        return article_id(canonical_url(url)).encode()
    except ValueError as error:
        raise UserError(f"--url is {error}", "give the article's whole address") from error


def _aware(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None

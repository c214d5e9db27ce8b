"""What a revision changed: the reader's view of two readings of one article."""

import difflib
from typing import Final

from processors.fingerprint import normalized
from schemas.articles import Change, ChangeKind
from schemas.messages import ArticleCore

MAX_DIFF_CHARACTERS: Final = 20_000
"""A diff longer than this says less than the two texts; it is cut at a line, with a last line that says so."""


def change_between(former: ArticleCore | None, later: ArticleCore) -> Change:
    """The change from `former` to `later`; without the former text only the fact of a change is known."""
    if former is None:
        return Change()
    kinds: list[ChangeKind] = []
    if normalized(former.title) != normalized(later.title):
        kinds.append("title")
    if normalized(former.standfirst) != normalized(later.standfirst):
        kinds.append("standfirst")
    if normalized(former.text) != normalized(later.text):
        kinds.append("text")
    if former.access.status != later.access.status:
        kinds.append("access")
    return Change(
        kinds=tuple(kinds),
        title_before=former.title if "title" in kinds else None,
        diff=text_diff(former.text or "", later.text or "") if "text" in kinds else None,
    )


def text_diff(before: str, after: str) -> str:
    """A unified diff by paragraph, without context lines."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    diff = "\n".join(lines)
    if len(diff) <= MAX_DIFF_CHARACTERS:
        return diff
    return diff[:MAX_DIFF_CHARACTERS].rpartition("\n")[0] + "\n… (cut)"

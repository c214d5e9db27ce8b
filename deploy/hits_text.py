"""Search results as a person reads them in a terminal. Pure: results in, rich text out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.text import Text

from sinks.hits import MARK_END, MARK_START, Hit, SearchResult

_SHOWN_LABELS: Final = 6
_FOUND: Final = "bold yellow"


def result_text(result: SearchResult) -> Iterator[Text]:
    """One line that counts, then each hit."""
    if not result.total:
        yield Text("Nothing found.")
        return
    articles = f"{result.total} article{'s' if result.total > 1 else ''}"
    stories = f" in {result.stories} stor{'ies' if result.stories > 1 else 'y'}" if result.stories else ""
    relaxed = "; none has all the words, these have most of them" if result.relaxed else ""
    yield Text(f"{articles}{stories}{relaxed}", style="dim")
    for hit in result.hits:
        yield Text("")
        yield from hit_text(hit)


def hit_text(hit: Hit) -> Iterator[Text]:
    """Title, where from and when, the passage found, labels, link, and the story's other articles."""
    yield marked(hit.marked_title, "bold")
    notes = [hit.publisher_name, local_time(hit.timestamp)]
    if hit.agency:
        notes.append(f"agency: {', '.join(hit.agency)}")
    if hit.access == "subscriber":
        notes.append("subscribers only")
    if hit.revision > 1:
        notes.append(f"revision {hit.revision}")
    yield Text("  " + " · ".join(notes), style="cyan")
    if hit.snippet:
        yield Text("  ") + marked(" ".join(hit.snippet.split()), "")
    labels = [*hit.topics, *hit.persons, *hit.organizations, *hit.places][:_SHOWN_LABELS]
    if labels:
        yield Text("  " + " · ".join(labels), style="green")
    yield Text(f"  {hit.url}", style="blue")
    for other in hit.others:
        relation = f" ({other.relation})" if other.relation else ""
        yield Text(f"  + {other.publisher_name}{relation}: {other.title}", style="dim")


def marked(text: str, style: str) -> Text:
    """The text with what stands between the marks emphasised."""
    made = Text(style=style)
    for index, part in enumerate(text.split(MARK_START)):
        found, mark, rest = part.partition(MARK_END)
        if index and mark:
            made.append(found, style=_FOUND)
            made.append(rest)
        else:
            made.append(part)
    return made


def local_time(moment: datetime) -> str:
    """Day and minute in the machine's zone."""
    return moment.astimezone().strftime("%d/%m/%Y %H:%M")

"""Dead letters as a person or a program reads them. Pure: letters in, rich text or JSON out.

Keys, headers, details and values are foreign bytes: what would steer a terminal is shown as an escape.
"""

import base64
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from rich.table import Table
from rich.text import Text

from deploy.dead_letters.letters import Letter, Totals
from deploy.dead_letters.resending import Refusal, Resending, resending
from deploy.hits_text import local_time
from schemas.headers import DEAD_LETTER, replay_of
from schemas.messages import LetterClosed
from schemas.reasons import DEAD_LETTER_REASONS

_DETAIL_WIDTH: Final = 100
_HEX_WIDTH: Final = 16
_STARTS_A_TRACEBACK: Final = "internal_error"

_ADVICE: Final[dict[str, str]] = {
    "invalid_message": "Find out who else writes to this topic. If the bytes are wrong, drop it; if they are right and "
    "an older release refused them, replay it.",
    "wrong_key": "Find out who else writes to this topic; records must travel under their article_id. Drop it.",
    "internal_error": "Report the detail. Once a release that handles it runs, replay it.",
    "record_too_large": "Report it; replay it once a release that makes less of it runs.",
    "processing_timeout": "Replay it: the machine may have been busy. If it comes back, report it.",
    "document_rejected": "Read what Elasticsearch says in the detail. Once mapping or release fit, replay it.",
}
_ADVICE_UNREADABLE: Final = "Nobody can say where this record belongs: keep its value if you need it, then drop it."


def first_line(letter: Letter) -> str:
    """What the detail says in one line; of a traceback that is the last one."""
    detail = letter.why.detail if letter.why else letter.unreadable
    lines = [line.strip() for line in detail.splitlines() if line.strip()] or [""]
    return printable(lines[-1] if letter.reason == _STARTS_A_TRACEBACK else lines[0])


def printable(text: str) -> str:
    """The text on which no terminal acts; tabs and line ends stay."""
    return "".join(character if _is_harmless(character) else ascii(character)[1:-1] for character in text)


def _is_harmless(character: str) -> bool:
    # The no-break spaces of French are not "printable" to Python.
    return character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs"


def letters_table(letters: Sequence[tuple[Letter, LetterClosed | None]], *, with_closed: bool) -> Table:
    """One row a letter."""
    closed_column = ("closed",) if with_closed else ()
    table = Table(box=None, header_style="bold")
    for name in ("id", "at", "stage", "reason", "attempts", *closed_column, "from"):
        table.add_column(name, no_wrap=True)
    table.add_column("detail")
    for letter, closed in letters:
        why = letter.why
        became = (closed.how if closed else "",) if with_closed else ()
        cells = (
            str(letter.id),
            local_time(letter.at),
            letter.stage,
            letter.reason,
            str(why.attempts) if why else "",
            *became,
            f"{why.kafka_topic}:{why.partition}:{why.offset}" if why else "",
            _cut(first_line(letter)),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def totals_table(totals: Totals) -> Table:
    """Letters by stage and reason."""
    table = Table("stage", "reason", "letters", box=None, header_style="bold")
    for (stage, reason), number in sorted(totals.items()):
        table.add_row(Text(printable(stage)), Text(printable(reason)), str(number))
    return table


def totals_sentence(totals: Totals) -> str:
    """`3 letters (dedupe invalid_message 2, index document_rejected 1)`."""
    parts = ", ".join(f"{stage} {reason} {number}" for (stage, reason), number in sorted(totals.items()))
    return printable(f"{count_of(totals.total())} ({parts})")


def count_of(number: int) -> str:
    """`1 letter`, `2 letters`."""
    return f"{number} letter{'' if number == 1 else 's'}"


def letter_text(letter: Letter, closed: LetterClosed | None, topic_prefix: str) -> Iterator[Text]:
    """Everything about one letter, line by line."""
    record, why = letter.record, letter.why
    yield Text(f"Letter {letter.id}", style="bold")
    state = f"{closed.how} {closed.at.isoformat()}" if closed else "open"
    yield from _lines("state", state)
    yield from _lines("set aside", f"{letter.at.isoformat()} by {letter.stage}")
    meaning = DEAD_LETTER_REASONS.get(letter.reason, letter.unreadable)
    yield from _lines("reason", f"{letter.reason}: {meaning}" if meaning else letter.reason)
    if why:
        yield from _lines("attempts", str(why.attempts))
        yield from _lines("from", f"{why.kafka_topic}, partition {why.partition}, offset {why.offset}")
    if former := replay_of(record.headers):
        yield from _lines("was letter", former)
    yield from _lines("key", "null" if record.key is None else _text_or_repr(record.key))
    for name, value in record.headers:
        if name != DEAD_LETTER or why is None:
            yield from _lines("header", f"{name}: {_text_or_repr(value)}")
    if why:
        yield from _lines("detail", why.detail)
    yield Text("value: null" if record.value is None else f"value, {len(record.value)} bytes", style="cyan")
    yield Text(value_text(record.value or b""))
    yield from _lines("next", next_step(letter, closed, topic_prefix))


def next_step(letter: Letter, closed: LetterClosed | None, topic_prefix: str) -> str:
    """What a person can do about a letter."""
    if closed:
        return "Nothing: it is closed. `kiosque dead replay` and `drop` leave it alone."
    if letter.why is None:
        return _ADVICE_UNREADABLE
    match resending(letter, topic_prefix):
        case Refusal(why=why):
            return f"It cannot be replayed: {why}. Drop it."
        case Resending(kafka_topic=topic):
            advice = _ADVICE.get(letter.reason, "See docs/troubleshooting.md.")
            return f"{advice} `kiosque dead replay {letter.id}` sends it to {topic_prefix}{topic.name}."


def value_text(value: bytes) -> str:
    """The value as text if it is UTF-8, else a hex dump: offset, bytes, ASCII."""
    try:
        return printable(value.decode())
    except UnicodeDecodeError:
        return "\n".join(
            f"{start:08x}  {line.hex(' '):<{3 * _HEX_WIDTH}} {_ascii(line)}"
            for start in range(0, len(value), _HEX_WIDTH)
            if (line := value[start : start + _HEX_WIDTH])
        )


def letter_json(letter: Letter, closed: LetterClosed | None, *, whole: bool = False) -> str:
    """One letter as a line of JSON; `whole` adds headers and value, in base64 where they are not UTF-8."""
    record, why = letter.record, letter.why
    shown: dict[str, Any] = {
        "id": str(letter.id),
        "at": letter.at,
        "stage": letter.stage,
        "reason": letter.reason,
        "attempts": why.attempts if why else None,
        "kafka_topic": why.kafka_topic if why else None,
        "partition": why.partition if why else None,
        "offset": why.offset if why else None,
        "key": None if record.key is None else record.key.decode(errors="replace"),
        "bytes": None if record.value is None else len(record.value),
        "detail": why.detail if why else letter.unreadable,
        "replay_of": replay_of(record.headers),
        "closed": {"how": closed.how, "at": closed.at} if closed else None,
    }
    if whole:
        shown["headers"] = [{"name": name} | _bytes_json(value) for name, value in record.headers]
        shown["value"] = None if record.value is None else _bytes_json(record.value)
    return msgspec.json.encode(shown).decode()


def _bytes_json(value: bytes) -> dict[str, str]:
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _lines(name: str, text: str) -> Iterator[Text]:
    first, *others = printable(text).splitlines() or [""]
    yield Text.assemble((f"{name:<12}", "cyan"), first)
    yield from (Text(" " * 12 + line) for line in others)


def _text_or_repr(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return repr(value)


def _ascii(line: bytes) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "." for c in map(chr, line))


def _cut(text: str) -> str:
    return text if len(text) <= _DETAIL_WIDTH else text[: _DETAIL_WIDTH - 1] + "…"

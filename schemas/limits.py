"""Sizes that several rooms must agree on. Bytes are UTF-8 bytes."""

from typing import Final

MAX_RECORD_BYTES: Final = 700_000
"""Largest value on any topic: below Kafka's default of 1 MiB, with room for headers and batch overhead."""

MAX_TEXT_BYTES: Final = 300_000
"""Largest `text`. JSON escaping at most doubles ordinary text, so that a record keeps below MAX_RECORD_BYTES."""

MAX_FIELD_CHARACTERS: Final = 2_000
"""Longest title, standfirst, author or URL kept."""

MAX_LIST_ITEMS: Final = 50
"""Most authors, keywords, aliases or feeds kept."""

"""The newsstand in a thread of the test, so that services in other processes can read it."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.newsstand import Article, Newsstand, feeds_catalogue


@contextmanager
def open_newsstand(folder: Path, extra_articles: Sequence[Article] = ()) -> Iterator[tuple[Newsstand, dict[str, str]]]:
    """An open newsstand, and the settings with which a poller reads it."""
    opened, close = threading.Event(), threading.Event()
    held: list[Newsstand] = []

    async def serve() -> None:
        async with Newsstand(slow_seconds=1.0, correct_after_seconds=4.0, extra_articles=extra_articles) as newsstand:
            held.append(newsstand)
            opened.set()
            await asyncio.to_thread(close.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert opened.wait(20), "the newsstand opens"
    newsstand = held[0]
    feeds_file = folder / "feeds.toml"
    feeds_file.write_text(feeds_catalogue(newsstand.stand), encoding="utf-8")
    try:
        yield (
            newsstand,
            {
                "KIOSQUE_FEEDS_FILE": str(feeds_file),
                "KIOSQUE_CONNECT_TO": json.dumps(newsstand.connect_to),
                "KIOSQUE_MIN_INTERVAL_SECONDS": "1",
                "KIOSQUE_HOST_DELAY_SECONDS": "0",
            },
        )
    finally:
        close.set()
        thread.join()

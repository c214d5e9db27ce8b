"""What the poller needs to know; deploy makes it from the settings. Times in seconds, sizes in bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producers.schedule import Limits
from schemas.articles import RightsBasis


@dataclass(frozen=True)
class PollerOptions:
    """The poller's settings.

    Attributes:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: put before every Kafka topic and consumer group name.
        catalogue_file: feed list: TOML, OPML or one address a line.
        contact: e-mail or URL for publishers; hosts outside `connect_to` are only asked with it.
        connect_to: host or "*.suffix" -> "ADDRESS:PORT" to connect to instead of what DNS says.
        min_interval_seconds: shortest time between two polls of one feed.
        max_interval_seconds: longest time between two polls of one feed.
        first_run_hours: at first sight of a feed, older entries are only marked as seen.
        page_concurrency: pages fetched, extracted or published at once, over all hosts.
        feed_concurrency: feeds polled at once.
        workers: processes that parse feeds and extract texts.
        request_timeout_seconds: of one request, from connection to last byte.
        task_timeout_seconds: of parsing one feed or extracting one page.
        max_page_bytes: largest page, decompressed.
        max_feed_bytes: largest feed, decompressed.
        worker_memory_bytes: address space of one worker process.
        host_delay_seconds: pause between two requests to one registrable domain.
        page_attempts: requests for a page before it is given up.
        rights_basis: on what ground texts are kept.
        session_timeout_seconds: after which a silent poller's feeds go to the others.
        drain_seconds: how long work in flight may go on after the stop signal.
    """

    kafka: str
    catalogue_file: Path
    topic_prefix: str = ""
    contact: str | None = None
    connect_to: Mapping[str, str] = field(default_factory=dict)
    min_interval_seconds: float = 300.0
    max_interval_seconds: float = 24 * 3600.0
    first_run_hours: float = 48.0
    page_concurrency: int = 16
    feed_concurrency: int = 16
    workers: int = 1
    request_timeout_seconds: float = 30.0
    task_timeout_seconds: float = 20.0
    max_page_bytes: int = 10 << 20
    max_feed_bytes: int = 15 << 20
    worker_memory_bytes: int = 1 << 30
    host_delay_seconds: float = 1.0
    page_attempts: int = 5
    rights_basis: RightsBasis = "art4"
    session_timeout_seconds: float = 10.0
    drain_seconds: float = 10.0

    @property
    def limits(self) -> Limits:
        """Between two polls of one feed."""
        return Limits(min_seconds=self.min_interval_seconds, max_seconds=self.max_interval_seconds)

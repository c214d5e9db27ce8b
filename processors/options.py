"""What a processor needs to know; deploy makes it from the settings."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProcessorOptions:
    """Options of dedupe, enrich and cluster.

    Attributes:
        kafka: bootstrap servers, comma-separated.
        topic_prefix: before every topic name, consumer group and transactional id.
        batch_size: most messages in one transaction.
        batch_seconds: longest wait for a batch to fill.
        session_timeout_seconds: after which a silent worker's partitions go to the others.
        commit_interval_seconds: how often offsets are committed.
        enrich_workers: processes that hold the language model (450 MB each).
        enrich_timeout_seconds: after which a worker process that hangs on one article is ended.
        dead_letter_limit: dead letters in a row that pause the stage.
        probe_seconds: a paused stage tries one message after each such time.
        story_window_seconds: how long an article can found or join a story.
    """

    kafka: str
    topic_prefix: str = ""
    batch_size: int = 300
    batch_seconds: float = 0.05
    session_timeout_seconds: float = 10.0
    commit_interval_seconds: float = 1.0
    enrich_workers: int = 1
    enrich_timeout_seconds: float = 60.0
    dead_letter_limit: int = 100
    probe_seconds: float = 30.0
    story_window_seconds: float = 72 * 3600.0

    def group(self, stage: str) -> str:
        """The stage's consumer group, which is also the root of its transactional ids."""
        return f"{self.topic_prefix}kiosque-{stage}"

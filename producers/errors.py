"""What can go wrong in this room.

    ProducerError        a mistake of the person who runs us: one sentence and what to do next
    FetchFailed          one request gave no usable answer; `slug` names why (metric label, trace detail)
      AddressRefused     the host resolves to an address that producers must not reach
      TooLarge           the answer is larger than the limit
    IsolationFailed      a worker process could not do its task: time, memory, crash
    RecordTooLarge       a message that Kafka would refuse; it is never sent
    NotOwned             work on a feed or page that another poller has taken over: to be dropped

Exceptions of libraries are translated into these where they arise (fetcher, extraction_pool, kafka_writer).
"""


class ProducerError(Exception):
    """Something that the person at the keyboard can put right.

    Args:
        problem: what is wrong, as a clause without a final stop.
        advice: what to do next, as an imperative clause.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}.")
        self.problem = problem
        self.advice = advice


class FetchFailed(Exception):
    """A request without a usable answer.

    Args:
        slug: constant name of the kind, e.g. "timeout".
        detail: what exactly, for people.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


class AddressRefused(FetchFailed):
    """The host resolves to an address that producers must not reach (loopback, private, link-local …)."""

    def __init__(self, detail: str) -> None:
        super().__init__("address_refused", detail)


class TooLarge(FetchFailed):
    """The answer is larger than the limit, counted after decompression."""

    def __init__(self, detail: str) -> None:
        super().__init__("too_large", detail)


class IsolationFailed(Exception):
    """A task in a worker process gave no result.

    Args:
        slug: "timeout", "memory", "crash" or "error".
        detail: what exactly, for people.
    """

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


class RecordTooLarge(Exception):
    """A value above `schemas.limits.MAX_RECORD_BYTES`."""


class NotOwned(Exception):
    """A record of a politeness group that is not ours any more; nothing was written. Its owner does the work anew."""

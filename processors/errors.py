"""What ends a worker, and with which exit code the supervisor can tell why."""

from typing import Final

EXIT_IO: Final = 70
"""Kafka refused or lost something, or another worker took the partition over (sysexits.h EX_SOFTWARE). Start again."""

EXIT_STUCK: Final = 75
"""The watchdog saw no progress (EX_TEMPFAIL). Start again."""


class ProcessorError(Exception):
    """Something that the operator can put right.

    Attributes:
        problem: what is wrong, without a final stop.
        advice: what to do next.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}: {advice}.")
        self.problem = problem
        self.advice = advice

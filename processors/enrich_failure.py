"""What crosses from a model process to its service in place of an exception. A module of its own: it needs no model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message could not be enriched; `reason` is a slug of DEAD_LETTER_REASONS."""

    reason: str
    detail: str

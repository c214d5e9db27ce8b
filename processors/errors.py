"""With which exit code a worker ends itself, so that its supervisor can tell why."""

from typing import Final

EXIT_IO: Final = 70
"""Kafka refused or lost something, or another worker took the partition over (sysexits.h EX_SOFTWARE). Start again."""

EXIT_STATE: Final = 78
"""A state topic holds what this release cannot read (sysexits.h EX_CONFIG). Somebody must act."""

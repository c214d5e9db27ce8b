"""With which exit code a worker ends itself, so that its supervisor can tell why."""

from typing import Final

EXIT_IO: Final = 70
"""Kafka refused or lost something, or another worker took the partition over (sysexits.h EX_SOFTWARE). Start again."""

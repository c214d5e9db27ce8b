"""Whether a worker does its work, and that it is alive: the gauge `ready` and the counter `heartbeats_total`.

Ready is what several parts agree on: the group has given partitions, Kafka answers, no brake holds.
"""

from typing import Final, Literal

from schemas.metrics import Metrics
from schemas.reasons import Stage

Condition = Literal["assigned", "kafka", "released"]

_AT_START: Final[dict[Condition, bool]] = {"assigned": False, "kafka": True, "released": True}


class Readiness:
    """Of one worker. A condition is True when it does not stand in the way."""

    def __init__(self, stage: Stage, metrics: Metrics) -> None:
        self._stage = stage
        self._metrics = metrics
        self._fine = dict(_AT_START)
        metrics.gauge("ready", 0, stage=stage)

    def set(self, condition: Condition, *, fine: bool) -> None:
        """Note a condition and report the sum."""
        self._fine[condition] = fine
        self._metrics.gauge("ready", int(all(self._fine.values())), stage=self._stage)

    def beat(self) -> None:
        """Something was finished, or there was nothing to do: the watchdog waits on."""
        self._metrics.count("heartbeats_total", stage=self._stage)

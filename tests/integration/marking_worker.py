"""A worker whose agent only writes down what it sees: run by other tests as a process of its own.

The message `hang` makes it wait for ever, `block` makes its event loop stand still; its watchdog waits 3 s.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import faust

from deploy.telemetry import PrometheusMetrics, configure_logging
from deploy.watchdog import watch
from processors.app import AgentBody, create_app
from processors.options import ProcessorOptions
from processors.readiness import Readiness
from processors.records import Arrival
from schemas import kafka_topics

WATCHDOG_SECONDS = 3.0


def append(file: Path, lines: list[str]) -> None:
    with file.open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


def main() -> None:
    configure_logging("human", "info")
    seen = Path(sys.argv[1])
    metrics = PrometheusMetrics()
    watch(metrics, WATCHDOG_SECONDS)

    async def nothing() -> None: ...

    async def any_partitions(_partitions: Iterable[int]) -> None: ...

    async def write_down(arrivals: Sequence[Arrival]) -> None:
        values = [arrival.value.decode() for arrival in arrivals if arrival.value]
        await asyncio.to_thread(append, seen, values)
        if "hang" in values:
            await asyncio.sleep(3600)
        if "block" in values:
            time.sleep(3600)  # noqa: ASYNC251  # what is tested

    body = AgentBody(kafka_topics.TAGGED, 100, nothing, write_down, any_partitions, nothing)
    options = ProcessorOptions(os.environ["KIOSQUE_KAFKA"], os.environ["KIOSQUE_TOPIC_PREFIX"])
    app = create_app("cluster", options, Readiness("cluster", metrics), body)
    faust.Worker(
        app, quiet=True, loglevel=None, redirect_stdouts=False, override_logging=False
    ).execute_from_commandline()


main()

"""A worker whose agent only writes down what it sees: run by test_transactional_input.py as a process of its own."""

import asyncio
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import faust

from deploy.telemetry import PrometheusMetrics, configure_logging
from processors.app import AgentBody, create_app
from processors.options import ProcessorOptions
from processors.records import Arrival
from schemas import kafka_topics


def append(file: Path, lines: list[str]) -> None:
    with file.open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


def main() -> None:
    configure_logging("human", "info")
    seen = Path(sys.argv[1])

    async def nothing() -> None: ...

    async def any_partitions(_partitions: Iterable[int]) -> None: ...

    async def write_down(arrivals: Sequence[Arrival]) -> None:
        values = [arrival.value.decode() for arrival in arrivals if arrival.value]
        await asyncio.to_thread(append, seen, values)

    body = AgentBody(kafka_topics.TAGGED, 100, nothing, write_down, any_partitions, nothing)
    options = ProcessorOptions(os.environ["KIOSQUE_KAFKA"], os.environ["KIOSQUE_TOPIC_PREFIX"])
    app = create_app("cluster", options, PrometheusMetrics(), body)
    faust.Worker(
        app, quiet=True, loglevel=None, redirect_stdouts=False, override_logging=False
    ).execute_from_commandline()


main()

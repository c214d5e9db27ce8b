"""A Faust worker on a topic written in transactions: aborted records are not seen, and commits never stand still."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from processors.partition_writer import RecordWriter
from processors.records import Outgoing
from schemas import kafka_topics
from tests.services import Installation, end, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

WORKER = Path(__file__).with_name("marking_worker.py")


async def write(installation: Installation, *values: str) -> None:
    writer = RecordWriter(installation.stack.kafka, installation.prefix, "test-writer")
    await writer.start()
    for value in values:
        await writer.write([Outgoing(kafka_topics.TAGGED, b"k", value.encode())])
    await writer.stop()


async def abort(installation: Installation, *values: str) -> None:
    """Write each value in a transaction that its owner never finishes, so that the next one aborts it."""
    for value in values:
        writer = RecordWriter(installation.stack.kafka, installation.prefix, "test-writer")
        await writer.start()
        await writer._producer.begin_transaction()
        await writer._send([Outgoing(kafka_topics.TAGGED, b"k", value.encode())])
        await writer._producer.abort_transaction()
        await writer.stop()


def start(installation: Installation, seen: Path) -> subprocess.Popen[bytes]:
    log = (installation.folder / "marking.log").open("ab")
    with log:
        return subprocess.Popen(
            [sys.executable, str(WORKER), str(seen)], env=installation.environment(), stdout=log, stderr=log
        )


def committed(installation: Installation) -> int:
    return installation.lag("cluster").taken


def test_aborted_transactions_are_neither_seen_nor_in_the_way(installation: Installation, tmp_path: Path):
    seen = tmp_path / "seen"
    asyncio.run(write(installation, "one"))
    worker = start(installation, seen)
    try:
        wait_until(lambda: committed(installation) > 0, "the first commit")
        asyncio.run(abort(installation, "aborted 1", "aborted 2", "aborted 3"))
        asyncio.run(write(installation, "two", "three"))
        last_message = 1 + 1 + 3 * 2 + 2 + 1  # offset of "three": each transaction ends with a marker
        wait_until(lambda: committed(installation) == last_message, f"commit of {last_message}")
    finally:
        end(worker)
    assert seen.read_text().split() == ["one", "two", "three"]

"""The topic `replays`: which runs there were, how they stand, and who may write.

There is one writer at a time: whoever starts one with our transactional id fences the one before. What is read after
that is true until the next one does.
"""

import msgspec

from deploy.errors import UserError
from deploy.replay.runs import ReplayRun, decode_run, encode_run, run_key
from processors.partition_writer import RecordWriter
from processors.records import Outgoing
from processors.state_topic import StateTopic
from schemas import kafka_topics


class RunLog:
    """Reads the runs."""

    def __init__(self, kafka: str, topic_prefix: str) -> None:
        self._kafka = kafka
        self._prefix = topic_prefix
        self._topic = StateTopic(kafka, topic_prefix, kafka_topics.REPLAYS)

    async def read(self) -> dict[int, ReplayRun]:
        """Every run under its number.

        Raises:
            UserError: one cannot be read.
        """
        runs: dict[int, ReplayRun] = {}

        def load(key: bytes, value: bytes | None) -> None:
            if value is None:
                runs.pop(int(key), None)
                return
            try:
                runs[int(key)] = decode_run(value)
            except (msgspec.DecodeError, ValueError) as error:
                raise UserError(
                    f"run {key.decode(errors='replace')} on the topic replays cannot be read ({error})",
                    "use the release that wrote it",
                ) from error

        await self._topic.read(0, load)
        return runs

    def new_writer(self) -> RecordWriter:
        """The writer for runs and their articles; it takes over when it is started."""
        transactional_id = f"{self._prefix}kiosque-replay"
        return RecordWriter(self._kafka, self._prefix, transactional_id, name="replay")


def run_record(run: ReplayRun) -> Outgoing:
    """The record that says how a run stands."""
    return Outgoing(kafka_topics.REPLAYS, run_key(run.run), encode_run(run))

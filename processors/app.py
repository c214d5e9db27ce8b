"""The Faust app of one stage: which topic, which agent, and what may leave it.

    Faust delivers raw bytes -> Arrival -> agent.process -> Faust commits the offsets

Nothing may leave the agent's block: Faust would acknowledge the whole batch (measured: 10 of 10 lost). Whatever
`process` raises is I/O of ours, so the process ends at once, uncommitted, and is started again by its supervisor. The
rules and the measurements behind them: docs/decisions/0003-faust.md.
"""

import asyncio
import os
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import faust
import structlog

from processors.errors import EXIT_IO, EXIT_STATE
from processors.faust_transport import ReadCommittedTransport
from processors.options import ProcessorOptions
from processors.pulse import Pulse
from processors.readiness import Readiness
from processors.records import Arrival
from processors.state_format import StateFormatError
from schemas.failpoints import failpoint
from schemas.kafka_topics import KafkaTopic, full_name
from schemas.reasons import Stage

log = structlog.get_logger()


@dataclass(frozen=True)
class AgentBody:
    """What a stage does; the app knows nothing else of it.

    Attributes:
        input_topic: the topic it reads.
        batch_size: most messages handed over at once.
        start: called once in the event loop before the first message.
        process: returns when everything that the messages cause is acknowledged.
        assigned: called with the input partitions of this worker after every rebalance.
        stop: called when the worker ends.
    """

    input_topic: KafkaTopic
    batch_size: int
    start: Callable[[], Awaitable[None]]
    process: Callable[[Sequence[Arrival]], Awaitable[None]]
    assigned: Callable[[Iterable[int]], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]


def create_app(stage: Stage, options: ProcessorOptions, readiness: Readiness, body: AgentBody) -> faust.App:
    """The app of a stage; nothing connects before its worker starts."""
    app = faust.App(
        options.group(stage),
        broker=";".join(f"kafka://{server}" for server in options.kafka.split(",")),
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=True,
        stream_buffer_maxsize=256,
        broker_max_poll_records=200,
        broker_session_timeout=options.session_timeout_seconds,
        broker_heartbeat_interval=options.session_timeout_seconds / 5,
        broker_commit_interval=options.commit_interval_seconds,
    )
    app.transport = ReadCommittedTransport(app.conf.broker_consumer, app, stage=stage, loop=app.loop)
    _register(app, stage, options, readiness, body)
    return app


def _register(app: faust.App, stage: Stage, options: ProcessorOptions, readiness: Readiness, body: AgentBody) -> None:
    name = full_name(body.input_topic, options.topic_prefix)
    source = app.topic(name, key_type=bytes, value_type=bytes, partitions=body.input_topic.partitions)
    app.agent(source, name=f"{stage}-agent", concurrency=1)(_work(app, stage, options, body))
    app.task(Pulse(app, options.kafka, readiness).run)

    async def on_assigned(_app: Any, assigned: Iterable[Any], **_: Any) -> None:
        partitions = sorted(place.partition for place in assigned if place.topic == name)
        await body.assigned(partitions)
        readiness.set("assigned", fine=True)
        log.info("partitions assigned", stage=stage, partitions=partitions)

    async def on_revoked(_app: Any, _revoked: Iterable[Any], **_: Any) -> None:
        readiness.set("assigned", fine=False)

    async def on_shutdown(_app: Any, **_: Any) -> None:
        readiness.set("assigned", fine=False)
        await body.stop()

    app.on_partitions_assigned.connect(on_assigned, weak=False)
    app.on_partitions_revoked.connect(on_revoked, weak=False)
    app.on_before_shutdown.connect(on_shutdown, weak=False)


def _work(
    app: faust.App, stage: Stage, options: ProcessorOptions, body: AgentBody
) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """The agent: batches until the worker ends, whatever happens to be in them."""
    started = asyncio.Event()

    async def work(stream: Any) -> None:
        async for events in stream.take_events(body.batch_size, within=options.batch_seconds):
            try:
                failpoint(f"{stage}.after_take")
                if not started.is_set():
                    await body.start()
                    started.set()
                await body.process([_arrival(event) for event in events])
            except asyncio.CancelledError:
                _end(stage, 0 if app.should_stop else EXIT_IO, "stopped within a batch, which will be done again")
            except StateFormatError as error:
                _end(stage, EXIT_STATE, str(error))
            except BaseException:  # noqa: BLE001  # see the module's docstring
                _end(stage, EXIT_IO, traceback.format_exc())

    return work


def _arrival(event: Any) -> Arrival:
    message = event.message
    return Arrival(message.partition, message.offset, message.key, message.value, tuple(message.headers or ()))


def _end(stage: Stage, code: int, why: str) -> NoReturn:
    log.error("worker ends at once", stage=stage, exit_code=code, why=why)
    os._exit(code)

"""The benchmarks of dedupe and cluster: the real service on a real Kafka with everything on, beside a plain copier.

own Kafka ─► topics ─► load produced ─► service works through it ─► copier works through the same ─► again
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from kafka import KafkaProducer

from deploy.bench.load import FOR_CLUSTER, FOR_DEDUPE, Mix, records
from deploy.bench.process import Work, watch
from deploy.bench.summary import summary
from deploy.kafka_setup import ensure_topics
from deploy.stack.local_stack import LocalStack
from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, full_name

StageName = Literal["dedupe", "cluster"]

_STAGES: Final[dict[StageName, tuple[KafkaTopic, KafkaTopic, Mix]]] = {
    "dedupe": (kafka_topics.FETCHED, kafka_topics.UNIQUE, FOR_DEDUPE),
    "cluster": (kafka_topics.TAGGED, kafka_topics.ENRICHED, FOR_CLUSTER),
}


def bench_stage(
    stage: StageName, *, messages: int, repetitions: int, seed: int, report: Callable[[str], None]
) -> dict[str, Any]:
    """Run it on a Kafka of its own; returns the summary.

    Args:
        stage: which.
        messages: in each repetition.
        repetitions: with new topics each; one more is run before them to warm the machine up.
        seed: of the load.
        report: gets one line for each step.

    Raises:
        StackError: Kafka or the service does not do its work.
    """
    source, target, mix = _STAGES[stage]
    ours: list[Work] = []
    copying: list[Work] = []
    with (
        tempfile.TemporaryDirectory(prefix="kiosque-bench-", ignore_cleanup_errors=True) as folder,
        LocalStack(Path(folder), with_elasticsearch=False, report=report) as stack,
    ):
        for number in range(repetitions + 1):
            prefix = f"b{number}."
            ensure_topics(stack.kafka, prefix)
            _produce(stack.kafka, full_name(source, prefix), records(messages, seed, mix, tagged=stage == "cluster"))
            environment = {"KIOSQUE_KAFKA": stack.kafka, "KIOSQUE_TOPIC_PREFIX": prefix}
            group = f"{prefix}kiosque-{stage}"
            done = watch(("-m", "deploy.cli", stage), environment, stack.kafka, group, messages)
            names = (full_name(source, prefix), full_name(target, f"copy{number}."))
            ensure_topics(stack.kafka, f"copy{number}.")
            copy = ("-m", "deploy.bench.copying", stack.kafka, *names, "copying")
            copied = watch(copy, {}, stack.kafka, "copying", messages * (number + 1))
            report(f"{stage} {done.messages_per_second:,.0f}/s, copying {copied.messages_per_second:,.0f}/s")
            if number:
                ours.append(done)
                copying.append(copied)
    return summary(stage, str(mix), messages, ours, copying)


def _produce(kafka: str, name: str, load: Any) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.split(","), linger_ms=20, batch_size=256 << 10)
    sent = [producer.send(name, key=key, value=value) for key, value in load]
    for future in sent:
        future.get(60)
    producer.close()

"""Whether Kafka and the topics of a replay are there: asked once, so that what is missing can be said in a sentence."""

from typing import Final

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from deploy.errors import ServerAbsent, UserError
from deploy.kafka_setup import KAFKA_ANSWER_MS
from schemas import kafka_topics
from schemas.kafka_topics import full_name

_NEEDED: Final = (kafka_topics.ENRICHED, kafka_topics.REENRICH, kafka_topics.REPLAYS, kafka_topics.WITHDRAWALS)


def require_topics(kafka: str, topic_prefix: str) -> None:
    """Return if a replay can be worked on.

    Raises:
        ServerAbsent: Kafka does not answer.
        UserError: a topic is missing.
    """
    try:
        admin = KafkaAdminClient(bootstrap_servers=kafka.split(","), bootstrap_timeout_ms=KAFKA_ANSWER_MS)
        try:
            found = set(admin.list_topics())
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise ServerAbsent(f"no Kafka answers at {kafka}", "start it, or correct KIOSQUE_KAFKA") from error
    missing = [name for topic in _NEEDED if (name := full_name(topic, topic_prefix)) not in found]
    if missing:
        raise UserError(f"Kafka has no topic {missing[0]}", "run `kiosque setup`")

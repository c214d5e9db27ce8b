"""Make Kafka and Elasticsearch ready for us: topics, templates, indices, alias. Idempotent."""

from deploy.index_access import open_index
from deploy.kafka_setup import TopicsReport, ensure_topics
from deploy.settings import Settings
from deploy.sink_options import indexer_options
from sinks.elasticsearch import ensure_indices


def prepare_servers(settings: Settings, replication_factor: int = 1) -> TopicsReport:
    """Create what is missing; says which topics were.

    Raises:
        ServerAbsent: one of them does not answer.
        UserError: what is there does not fit, or may not be created.
    """
    report = ensure_topics(settings.kafka, settings.topic_prefix, replication_factor)
    with open_index(settings) as client:
        ensure_indices(client, indexer_options(settings))
    return report

"""The sinks' options from the settings; used by the service and by every command that reads the index."""

from deploy.settings import Settings
from sinks.options import IndexerOptions


def indexer_options(settings: Settings) -> IndexerOptions:
    """How to reach Kafka and Elasticsearch, and what things are called there."""
    api_key, password = settings.elasticsearch_api_key, settings.elasticsearch_password
    return IndexerOptions(
        kafka=settings.kafka,
        topic_prefix=settings.topic_prefix,
        elasticsearch=settings.elasticsearch,
        api_key=api_key.get_secret_value() if api_key else None,
        username=settings.elasticsearch_username,
        password=password.get_secret_value() if password else None,
        ca_file=str(settings.elasticsearch_ca_file) if settings.elasticsearch_ca_file else None,
        index_prefix=settings.index_prefix,
        refresh_interval=f"{round(settings.refresh_interval_seconds * 1000)}ms",
        dead_letter_limit=settings.dead_letter_limit,
        probe_seconds=settings.probe_seconds,
        session_timeout_seconds=settings.session_timeout_seconds,
    )

"""What the sink is told at its start. `deploy` makes it from the settings; nothing here reads the environment."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class IndexerOptions:
    """How to reach the servers, what to call things, when to write.

    Attributes:
        kafka: bootstrap servers, `host:port` separated by commas.
        topic_prefix: put before every Kafka topic and before the consumer group.
        elasticsearch: URL, or several separated by commas.
        api_key: encoded API key; takes precedence over username and password.
        username: for basic authentication, with `password`.
        password: for basic authentication, with `username`.
        ca_file: PEM file of the authority that signed the server's certificate.
        index_prefix: put before every index, alias and template.
        refresh_interval: how soon documents become searchable (Elasticsearch time value; `-1` while backfilling).
        shards: primary shards of the articles; revisions and trace have one.
        replicas: copies of every shard.
        batch_bytes: a batch is full at this many bytes of record values.
        batch_records: a batch is full at this many records.
        batch_seconds: a batch is written at the latest this long after its first record came.
        request_timeout_seconds: longest wait for one answer of Elasticsearch.
        retry_seconds: first delay after Elasticsearch could not write; doubles up to `retry_max_seconds`.
        retry_max_seconds: longest delay.
        dead_letter_limit: this many dead letters in a row pause the service.
        probe_seconds: while paused, one record is tried this often.
        session_timeout_seconds: a member of the group that is silent for so long loses its partitions.
    """

    kafka: str
    topic_prefix: str
    elasticsearch: str
    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    index_prefix: str = "kiosque"
    refresh_interval: str = "5s"
    shards: int = 1
    replicas: int = 0
    batch_bytes: int = 5_000_000
    batch_records: int = 500
    batch_seconds: float = 0.5
    request_timeout_seconds: float = 60.0
    retry_seconds: float = 0.5
    retry_max_seconds: float = 5.0
    dead_letter_limit: int = 100
    probe_seconds: float = 30.0
    session_timeout_seconds: float = 10.0

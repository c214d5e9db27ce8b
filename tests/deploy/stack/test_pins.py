from pathlib import Path

from deploy.stack import pins
from deploy.stack.pins import Artifact, FetchItem, fetch_plan, kafka_artifacts, parse_artifacts

CACHE = Path("/nowhere")


def test_a_list_of_artifacts() -> None:
    text = "# a comment\n\nabc  12 org/example/a-b/1.0/a-b-1.0.jar\n"
    assert parse_artifacts(text) == [Artifact("org/example/a-b/1.0/a-b-1.0.jar", "abc", 12)]


def test_coordinates_come_from_the_path() -> None:
    artifact = Artifact("org/scala-lang/scala-library/2.13.17/scala-library-2.13.17.jar", "", 0)
    assert artifact.coordinates == ("org.scala-lang", "scala-library", "2.13.17", "jar")
    assert artifact.filename == "scala-library-2.13.17.jar"
    assert pins.ELASTICSEARCH_ARCHIVE.coordinates[3] == "zip"


def test_pinned_kafka_is_whole_and_of_one_version() -> None:
    jars = kafka_artifacts()
    assert len({jar.filename for jar in jars}) == len(jars) == 36
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in jars)
    versions = {jar.coordinates[2] for jar in jars if jar.coordinates[0] == "org.apache.kafka"}
    assert versions == {pins.KAFKA_VERSION}


def test_plan_for_an_empty_cache() -> None:
    kafka_bytes = sum(jar.size_bytes for jar in kafka_artifacts())
    assert fetch_plan(CACHE) == [
        FetchItem("Kafka 4.2.2", CACHE / "kafka-4.2.2", kafka_bytes, kafka_bytes, present=False),
        FetchItem("Elasticsearch 8.19.13", CACHE / "elasticsearch-8.19.13", 920_748_127, 160_000_000, present=False),
    ]


def test_plan_for_one_server_only() -> None:
    assert [item.name for item in fetch_plan(CACHE, kafka=False)] == ["Elasticsearch 8.19.13"]
    assert [item.name for item in fetch_plan(CACHE, elasticsearch=False)] == ["Kafka 4.2.2"]

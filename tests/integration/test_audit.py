"""The audit on real servers: what the services made is clean; what is taken, added or lost by hand is named."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition

from schemas.codec import encode
from schemas.kafka_topics import FETCHED, TRACE, UNIQUE, KafkaTopic, full_name
from schemas.messages import FetchedArticle, UniqueArticle, Withdrawal
from sinks.elasticsearch import connect
from sinks.mapping import index_names
from sinks.scan import StoredVersion, scan_versions
from tests.articles import NOON, TEXT, fetched, minutes, unique
from tests.faults.evidence import at_rest
from tests.services import Installation

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STAGES = ("dedupe", "enrich", "cluster", "index")
ENGLISH = (
    "The town council voted on Monday evening to cook the school meals on the spot again. Parents had been asking for "
    "that for two years, and the councillor in charge of schools promised to begin next autumn."
)


@pytest.fixture
def index(installation: Installation) -> Iterator[Elasticsearch]:
    with closing(connect(installation.stack.elasticsearch)) as client:
        yield client


def audit(installation: Installation, code: int, *arguments: str) -> dict[str, Any]:
    """The result as JSON; the exit code must be this one."""
    result = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "audit", "--json", *arguments],
        env=installation.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return json.loads(result.stdout)


def found(result: dict[str, Any]) -> dict[str, list[str]]:
    """Problem -> the articles that are named for it."""
    return {slug: [one["article_id"] for one in held["examples"]] for slug, held in result["problems"].items()}


def publish(
    installation: Installation, topic: KafkaTopic, *messages: FetchedArticle | UniqueArticle | Withdrawal
) -> None:
    installation.produce(topic, [(message.article_id.encode(), encode(message)) for message in messages])


def work(installation: Installation) -> None:
    """Let the services do all there is."""
    with installation.running(*STAGES):
        at_rest(installation, *STAGES)


def commit_to_the_end(installation: Installation, stage: str, topic: KafkaTopic) -> None:
    """As if the stage had worked on everything."""
    group = f"{installation.prefix}kiosque-{stage}"
    with closing(KafkaConsumer(bootstrap_servers=installation.stack.kafka, group_id=group)) as consumer:
        places = [TopicPartition(full_name(topic, installation.prefix), number) for number in range(topic.partitions)]
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.commit({place: OffsetAndMetadata(ends[place], "", -1) for place in places})


def expire_all_but_the_last(installation: Installation, topic: KafkaTopic) -> None:
    """As retention does: only the last record of each partition is held."""
    last = {record.partition: record.offset for record in installation.records(topic)}
    with closing(KafkaAdminClient(bootstrap_servers=installation.stack.kafka)) as admin:
        name = full_name(topic, installation.prefix)
        admin.delete_records({TopicPartition(name, number): offset for number, offset in last.items()})


def test_clean_installation_is_clean_and_every_damage_is_named(installation: Installation, index: Elasticsearch):
    names = index_names(installation.index_prefix)
    kept, lost = fetched("cantine", text=f"{TEXT}\nÀ Nantes."), fetched("halles", text=f"{TEXT}\nÀ Rezé.")
    gone = fetched("gare", text=f"{TEXT}\nÀ Orvault.")
    publish(
        installation,
        FETCHED,
        kept,
        lost,
        gone,
        fetched("school", title="School meals cooked on the spot again", text=ENGLISH),
        fetched("cantine", text=f"{TEXT}\nÀ Nantes, enfin.", fetched_at=NOON + minutes(5)),
        fetched("cantine", text=f"{TEXT}\nÀ Nantes, enfin.", fetched_at=NOON + minutes(9)),
        Withdrawal(article_id=gone.article_id, reason="withdrawn_by_publisher", requested_at=NOON),
    )
    installation.produce(FETCHED, [(b"cle", b"{"), (kept.article_id.encode(), None)])
    work(installation)
    clean = audit(installation, 0)
    assert clean["clean"] is True
    assert {name: count for name, count in clean["outcomes"].items() if count} == {
        "enriched": 2,
        "withdrawn": 1,
        "not_french": 1,
    }
    assert (clean["documents"], clean["revisions"], clean["records"]["articles.fetched"]) == (2, 3, 9)
    assert audit(installation, 0, "--no-index")["documents"] is None

    late = unique("tard", text=f"{TEXT}\nÀ Bouguenais.")
    publish(installation, UNIQUE, late)
    waiting = audit(installation, 0)
    assert waiting["outcomes"]["under_way"] == 1

    commit_to_the_end(installation, "enrich", UNIQUE)
    index.delete(index=names.articles, id=lost.article_id)
    index.index(
        index=names.articles, id="0f" * 16, document={"@timestamp": "2026-11-25T12:00:00Z", "url": "http://a.example/"}
    )
    index.index(index=names.articles, id="a-la-main", document={"@timestamp": "2026-11-25T12:00:00Z"})
    result = audit(installation, 1)
    assert found(result) == {
        "stray_at_dedupe": [late.article_id],
        "lost_at_enrich": [late.article_id],
        "missing_in_index": [lost.article_id],
        "stray_in_index": ["a-la-main", "0f" * 16],
    }
    (example,) = result["problems"]["missing_in_index"]["examples"]
    assert example["url"] == lost.url
    assert example["found"] == "revision 1 has no document"
    assert example["next"] == f"`kiosque replay --article {lost.url}` makes it anew"
    (example,) = result["problems"]["lost_at_enrich"]["examples"]
    assert example["url"] == late.url
    assert audit(installation, 1, "--limit", "0")["problems"]["stray_in_index"] == {
        "count": 2,
        "meaning": "in the index, but not on articles.enriched",
        "examples": [],
    }

    expire_all_but_the_last(installation, TRACE)  # where `not_french` might have stood
    assert found(audit(installation, 1)) == {
        slug: ids for slug, ids in found(result).items() if slug != "lost_at_enrich"
    }


def test_documents_are_scanned_page_by_page_with_version_and_address(installation: Installation, index: Elasticsearch):
    name = installation.index_prefix
    assert list(scan_versions(index, f"{name}-nowhere")) == []
    mappings = {"properties": {"url": {"type": "keyword"}, "publisher": {"properties": {"id": {"type": "keyword"}}}}}
    for number in (1, 2):
        index.indices.create(index=f"{name}-x{number}", mappings=mappings, aliases={f"{name}-x": {}})
    for number in range(25):
        document = {"url": f"http://a.example/{number}", "publisher": {"id": "a.example"}} if number % 2 else {}
        index.index(
            index=f"{name}-x{1 + number % 2}",
            id=str(number),
            document=document,
            version=number + 1,
            version_type="external",
        )
    stored = sorted(scan_versions(index, f"{name}-x", page=4), key=lambda one: one.version)
    assert stored == [
        StoredVersion(
            f"{name}-x{1 + number % 2}",
            str(number),
            number + 1,
            f"http://a.example/{number}" if number % 2 else None,
            "a.example" if number % 2 else None,
        )
        for number in range(25)
    ]

"""Forgotten on the real servers, through real services: gone, and not back by whatever is delivered or announced."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from schemas.articles import Publisher
from schemas.codec import decode_enriched, decode_fetched, decode_withdrawal_order, encode
from schemas.kafka_topics import ENRICHED, FETCHED, WITHDRAWALS, full_name
from schemas.messages import FetchedArticle, Withdrawal
from sinks.coverage import count_covered
from sinks.elasticsearch import connect
from sinks.lookups import dispositions, index_counts, make_searchable
from sinks.mapping import index_names
from tests.articles import NOON, TEXT, article_id, fetched, minutes
from tests.faults.evidence import INPUTS, at_rest, evidence_of
from tests.faults.oracle import faults
from tests.services import Installation, end

pytestmark = [pytest.mark.servers, pytest.mark.slow]

STAGES = ("dedupe", "enrich", "cluster", "index")
THIRD = Publisher(id="tiers.example", name="Le Tiers")
SEEN_AT = "http://www.phare-ouest.example/2026/port-la-digue.html"
"""The address in a reader's browser; the feed named another one."""

KEPT = [fetched(name, text=f"{TEXT}\nUne phrase de {name}.") for name in ("cantine", "halles", "gare")]
BY_URL = fetched("marche", text=f"{TEXT}\nLe marché reste place du Bouffay.")
BY_ALIAS = fetched("port", text=f"{TEXT}\nLe port attend sa digue.", url_aliases=(SEEN_AT,))
BY_PUBLISHER = [fetched(name, text=f"{TEXT}\nVu par le Tiers : {name}.", publisher=THIRD) for name in ("tram", "pont")]
FORGOTTEN = [BY_URL, BY_ALIAS, *BY_PUBLISHER]
ARGUMENTS = (BY_URL.url, SEEN_AT, "--publisher", THIRD.id, "--yes", "--json")


@pytest.fixture
def index(installation: Installation) -> Iterator[Elasticsearch]:
    with closing(connect(installation.stack.elasticsearch)) as client:
        yield client


def forget(installation: Installation, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", "forget", *arguments],
        env=installation.environment() | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def publish(installation: Installation, articles: Sequence[FetchedArticle]) -> None:
    installation.produce(FETCHED, [(one.article_id.encode(), encode(one)) for one in articles])


def begin_anew(installation: Installation, stage: str) -> None:
    """Set a stage's group to the start of all its topics."""
    group = f"{installation.prefix}kiosque-{stage}"
    with closing(KafkaConsumer(bootstrap_servers=installation.stack.kafka, group_id=group)) as consumer:
        places = [
            TopicPartition(full_name(topic, installation.prefix), number)
            for topic in INPUTS[stage]
            for number in range(topic.partitions)
        ]
        consumer.assign(places)
        consumer.commit({place: OffsetAndMetadata(0, "", -1) for place in places})


def held(index: Elasticsearch, installation: Installation) -> dict[str, Any]:
    """Ids of all articles, and number of revisions, that a search can see."""
    names, prefix = index_names(installation.index_prefix), installation.index_prefix
    make_searchable(index, index_prefix=prefix)
    hits = index.search(index=names.articles_alias, size=100, source=False)["hits"]["hits"]
    return {"articles": {hit["_id"] for hit in hits}, "revisions": index_counts(index, index_prefix=prefix).revisions}


def test_what_was_forgotten_does_not_come_back(installation: Installation, index: Elasticsearch):
    publish(installation, [*KEPT, *FORGOTTEN])
    with installation.running(*STAGES) as services:
        at_rest(installation, *STAGES)
        ours = {one.article_id for one in [*KEPT, *FORGOTTEN]}
        assert held(index, installation) == {"articles": ours, "revisions": 7}

        result = forget(installation, *ARGUMENTS, "--wait", "90")
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        # Two addresses, the article that is known under one of them, and the publisher's two.
        assert (len(report["orders"]), report["articles"], report["documents"]) == (4, 5, 0)
        kept = {"articles": {one.article_id for one in KEPT}, "revisions": 3}
        assert held(index, installation) == kept

        end(services["index"])
        for stage in STAGES[:-1]:
            end(services[stage])
        for stage in STAGES:
            begin_anew(installation, stage)
        again = [fetched_again(one) for one in [*FORGOTTEN, KEPT[0]]]
        publish(installation, [*again, fetched("quai", publisher=THIRD)])
        with installation.running(*STAGES):
            at_rest(installation, *STAGES)
            assert held(index, installation) == {**kept, "revisions": 4}

    assert faults(evidence_of(installation, *STAGES, index=True)) == []
    orders = [decode_withdrawal_order(record.value) for record in installation.records(WITHDRAWALS)]
    assert count_covered(index, orders, index_prefix=installation.index_prefix) == 0
    for one in FORGOTTEN:
        notes = dispositions(index, index_prefix=installation.index_prefix, article_id=one.article_id)
        assert {(note.disposition, note.url, note.title, note.publisher_id) for note in notes} == {
            ("withdrawn", None, None, None)
        }
    assert last_values(installation) == {one.article_id: True for one in KEPT} | {
        article_id(url): False
        for url in (*(one.url for one in FORGOTTEN), SEEN_AT, "http://www.phare-ouest.example/quai.html")
    }


def fetched_again(article: FetchedArticle) -> FetchedArticle:
    text = f"{article.text}\nEt une phrase de plus."
    changes = {"text": text, "fetched_at": NOON + minutes(60), "reading": 1, "title": "Annoncé de nouveau"}
    return FetchedArticle(**{name: getattr(article, name) for name in article.__struct_fields__} | changes)


def last_values(installation: Installation) -> dict[str, bool]:
    """Article -> whether its last record on articles.enriched has a value."""
    last = {record.key.decode(): record.value for record in installation.records(ENRICHED)}
    assert all(value is None or decode_enriched(value).article_id == key for key, value in last.items())
    return {key: value is not None for key, value in last.items()}


def written(installation: Installation) -> tuple[int, set[str]]:
    """How many orders there are, and which articles were sent a withdrawal."""
    messages = [decode_fetched(record.value) for record in installation.records(FETCHED) if record.key != b"k"]
    withdrawn = {message.article_id for message in messages if isinstance(message, Withdrawal)}
    return len({record.key for record in installation.records(WITHDRAWALS)}), withdrawn


def test_killed_and_run_again_it_completes(installation: Installation):
    publish(installation, [*KEPT, *FORGOTTEN])
    installation.produce(FETCHED, [(b"k", b"{"), (b"k", b"\xff")])
    everything = {one.article_id for one in FORGOTTEN} | {article_id(SEEN_AT)}

    killed = forget(installation, *ARGUMENTS, KIOSQUE_FAILPOINT="forget.after_order")
    assert (killed.returncode, written(installation)) == (-9, (4, set()))
    killed = forget(installation, *ARGUMENTS, KIOSQUE_FAILPOINT="forget.after_withdrawals")
    assert (killed.returncode, written(installation)) == (-9, (4, everything))
    result = forget(installation, *ARGUMENTS)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (len(report["orders"]), report["articles"], report["unreadable"]) == (4, 5, 2)
    assert written(installation) == (4, everything)
    assert f"  {SEEN_AT}" in result.stderr
    assert "2 articles are known" not in result.stderr
    assert "3 articles are known that this concerns:" in result.stderr


def test_a_person_reads_what_was_done(installation: Installation):
    publish(installation, KEPT)
    prefix = "http://www.phare-ouest.example/"
    result = forget(installation, "--prefix", prefix, "--yes", "--reason", "withdrawn_by_publisher")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 order is in force.\n3 articles are withdrawn;")
    assert f"{installation.prefix}articles.fetched " in result.stdout
    (record,) = installation.records(WITHDRAWALS)
    assert record.key == f"prefix:{prefix}".encode()
    assert decode_withdrawal_order(record.value).reason == "withdrawn_by_publisher"
    with closing(connect(installation.stack.elasticsearch)) as client:
        assert (
            count_covered(client, [decode_withdrawal_order(record.value)], index_prefix=installation.index_prefix) == 0
        )
    unmade = Installation(installation.stack, installation.folder)
    assert "run `kiosque setup`" in forget(unmade, prefix, "--yes").stderr

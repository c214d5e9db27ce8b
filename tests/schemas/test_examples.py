"""The examples that subscribers test with: valid by the published schema, readable by the code, in every version."""

import json
from pathlib import Path

import jsonschema
import pytest

from schemas.codec import (
    decode_enriched,
    decode_fetched,
    decode_tagged,
    decode_trace,
    decode_unique,
    decode_withdrawal_order,
)
from schemas.generate import CONTRACT_VERSION, GENERATED, MESSAGES
from schemas.headers import version_header
from schemas.messages import revision_of, run_of
from schemas.withdrawals import WithdrawalOrder, order_key

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
FILES = sorted(EXAMPLES.glob("*/*.json"))
DECODERS = {
    "articles.fetched": decode_fetched,
    "articles.unique": decode_unique,
    "articles.tagged": decode_tagged,
    "articles.enriched": decode_enriched,
    "articles.trace": decode_trace,
    "withdrawals": decode_withdrawal_order,
}
SCHEMA_OF_TYPE = {
    "fetched": "fetched_article",
    "unique": "unique_article",
    "tagged": "tagged_article",
    "article": "enriched_article",
    "withdrawal": "withdrawal",
    "trace": "trace",
    "withdrawal_order": "withdrawal_order",
}


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def test_every_type_and_every_event_has_an_example():
    current = {path.stem: read(path) for path in FILES if path.parent.name == CONTRACT_VERSION}
    types = {record["value"]["type"] for record in current.values() if record["value"]}
    assert types == set(SCHEMA_OF_TYPE)
    events = {record["headers"].get("ce_type") for record in current.values()} - {None}
    assert events == {f"fr.kiosque.article.{e}.v1" for e in ("created", "revised", "relabelled", "withdrawn")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_example_is_valid_by_the_schema_and_readable(path: Path):
    record = read(path)
    if record["value"] is None:
        assert record["kafka_topic"] == "articles.enriched"
        return
    schema = read(GENERATED / f"{SCHEMA_OF_TYPE[record['value']['type']]}.schema.json")
    jsonschema.validate(record["value"], schema, format_checker=jsonschema.FormatChecker())
    message = DECODERS[record["kafka_topic"]](json.dumps(record["value"]).encode())
    key = order_key(message) if isinstance(message, WithdrawalOrder) else message.article_id
    assert key == record["key"]


def test_a_reader_of_today_ignores_fields_of_tomorrow():
    record = read(EXAMPLES / CONTRACT_VERSION / "article_created.json")
    tomorrow = record["value"] | {"mood": "joyeux", "publisher": record["value"]["publisher"] | {"founded": 1944}}
    assert decode_enriched(json.dumps(tomorrow).encode()) == decode_enriched(json.dumps(record["value"]).encode())


def test_versions_of_one_article_grow_through_its_life():
    names = ("article_created", "article_revised", "article_relabelled", "article_withdrawn")
    records = [read(EXAMPLES / CONTRACT_VERSION / f"{name}.json") for name in names]
    versions = [version_header([(k, v.encode()) for k, v in record["headers"].items()]) for record in records]
    assert versions == sorted(versions)
    assert [(revision_of(version), run_of(version)) for version in versions] == [(1, 0), (2, 0), (2, 1), (3, 0)]


def test_revision_says_what_changed():
    change = read(EXAMPLES / CONTRACT_VERSION / "article_revised.json")["value"]["change"]
    assert change["kinds"] == ["title", "text"]
    assert change["title_before"] == "Rennes : l’école Louise-Michel rouvrira lundi"


@pytest.mark.slow
def test_examples_are_what_the_stages_make():
    from deploy.contract_examples import main

    assert main(["--check"]) == 0


def test_every_message_has_a_published_schema():
    assert {path.name.removesuffix(".schema.json") for path in GENERATED.glob("*.schema.json")} == set(MESSAGES)

"""Write the contract down for other languages: JSON Schema for each message, AsyncAPI for the topics.

    python -m schemas.generate            write schemas/generated/
    python -m schemas.generate --check    fail if what is committed is not what the code says

A nullable field is `"type": ["string", "null"]` where msgspec says `anyOf`: Java generators make an Object of `anyOf`.
"""

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from schemas import kafka_topics
from schemas.kafka_topics import KafkaTopic, topic_config
from schemas.messages import (
    DeadLetter,
    EnrichedArticle,
    FetchedArticle,
    LetterClosed,
    TaggedArticle,
    Trace,
    UniqueArticle,
    Withdrawal,
)
from schemas.withdrawals import WithdrawalOrder

GENERATED: Final = Path(__file__).parent / "generated"
CONTRACT_VERSION: Final = "1.1.0"
"""Minor: fields added. Major: a field removed, renamed or retyped, which needs new topics."""

MESSAGES: Final[dict[str, type[msgspec.Struct]]] = {
    "fetched_article": FetchedArticle,
    "unique_article": UniqueArticle,
    "tagged_article": TaggedArticle,
    "enriched_article": EnrichedArticle,
    "withdrawal": Withdrawal,
    "trace": Trace,
    "dead_letter": DeadLetter,
    "letter_closed": LetterClosed,
    "withdrawal_order": WithdrawalOrder,
}

CARRIES: Final[dict[str, tuple[str, ...]]] = {
    kafka_topics.FETCHED.name: ("fetched_article", "withdrawal"),
    kafka_topics.UNIQUE.name: ("unique_article", "withdrawal"),
    kafka_topics.REENRICH.name: ("tagged_article",),
    kafka_topics.TAGGED.name: ("tagged_article", "withdrawal"),
    kafka_topics.ENRICHED.name: ("enriched_article",),
    kafka_topics.TRACE.name: ("trace",),
    kafka_topics.WITHDRAWALS.name: ("withdrawal_order",),
}


def json_schema(message: type[msgspec.Struct]) -> dict[str, Any]:
    """The message's JSON Schema (draft 2020-12), self-contained."""
    (schema,), definitions = msgspec.json.schema_components([message])
    name = schema["$ref"].rpartition("/")[2]
    body = {key: value for key, value in definitions.pop(name).items() if key != "title"}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        **body,
        "$defs": {key: definitions[key] for key in sorted(definitions)},
    }
    return {key: _nullable(value, definitions) for key, value in whole.items()}


def _nullable(node: Any, definitions: dict[str, Any]) -> Any:
    """The schema with every `anyOf [X, null]` folded into X's own type."""
    if isinstance(node, list):
        return [_nullable(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    match node.get("anyOf"):
        case [choice, {"type": "null"}] | [{"type": "null"}, choice]:
            reference = choice.get("$ref")
            plain = definitions[reference.rpartition("/")[2]] if reference else choice
            kept = {key: value for key, value in node.items() if key != "anyOf"}
            node = plain | kept | {"type": [plain.get("type", "string"), "null"]}
            if "enum" in plain:
                node["enum"] = [*plain["enum"], None]
    return {key: _nullable(value, definitions) for key, value in node.items()}


def async_api() -> dict[str, Any]:
    """The topics that carry messages, as AsyncAPI 3.0."""
    carrying = [topic for topic in kafka_topics.ALL if topic.name in CARRIES]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kiosque",
            "version": CONTRACT_VERSION,
            "description": "The French press as a stream. Subscribe to articles.enriched with isolation.level="
            "read_committed; a null value withdraws the article of its key.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in carrying},
        "operations": {
            "subscribe": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{kafka_topics.ENRICHED.name}"},
                "summary": "Every enriched article, ordered for each article, compacted.",
            }
        },
    }


def _channel(topic: KafkaTopic) -> dict[str, Any]:
    messages = {
        name: {
            "name": name,
            "payload": {"$ref": f"./{name}.schema.json"},
            "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": "0.5.0"}},
        }
        for name in CARRIES[topic.name]
    }
    binding = {
        "topic": topic.name,
        "partitions": topic.partitions,
        "topicConfiguration": {"cleanup.policy": [topic_config(topic)["cleanup.policy"]]},
        "bindingVersion": "0.5.0",
    }
    return {
        "address": topic.name,
        "description": f"{topic.value}. Written by {', '.join(topic.written_by)}; read by {', '.join(topic.read_by)}.",
        "messages": messages,
        "bindings": {"kafka": binding},
    }


def documents() -> dict[str, bytes]:
    """File name -> content, for all generated files."""
    made = {f"{name}.schema.json": json_schema(message) for name, message in MESSAGES.items()}
    made["asyncapi.json"] = async_api()
    return {name: msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n" for name, value in made.items()}


def main(arguments: list[str]) -> int:
    """Write or check; 1 if a check fails."""
    wanted = documents()
    if arguments == ["--check"]:
        stale = [name for name, content in wanted.items() if _committed(name) != content]
        stale += [path.name for path in GENERATED.glob("*") if path.name not in wanted]
        if stale:
            sys.stderr.write(f"stale in {GENERATED}: {', '.join(stale)}; run `make generate`\n")
        return 1 if stale else 0
    GENERATED.mkdir(exist_ok=True)
    for name, content in wanted.items():
        (GENERATED / name).write_bytes(content)
    return 0


def _committed(name: str) -> bytes | None:
    path = GENERATED / name
    return path.read_bytes() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

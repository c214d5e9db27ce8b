"""An index as it is against the index that the templates ask for: what is missing, what contradicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Differences:
    """Between an existing index and its template.

    Attributes:
        missing: fields that the index lacks; adding them is safe.
        changed: what contradicts the template, one sentence each; only a new index can put it right.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def index_differences(
    expected: dict[str, Any], actual: dict[str, Any], expected_analysis: dict[str, Any], actual_analysis: dict[str, Any]
) -> Differences:
    """Compare mappings (the whole `mappings` objects) and analyzers (the `index.analysis` objects)."""
    wanted = dict(_fields(expected.get("properties", {})))
    present = dict(_fields(actual.get("properties", {})))
    changed = [
        f"field {path} is {_shown(present[path])}, not {_shown(wanted[path])}"
        for path in wanted
        if path in present and present[path] != wanted[path]
    ]
    if _text(actual.get("dynamic")) != _text(expected.get("dynamic")):
        changed.append(f"dynamic is {actual.get('dynamic')}, not {expected.get('dynamic')}")
    changed += [
        f"{kind} {name} differs"
        for kind, parts in expected_analysis.items()
        for name, part in parts.items()
        if _text(actual_analysis.get(kind, {}).get(name)) != _text(part)
    ]
    return Differences(tuple(path for path in wanted if path not in present), tuple(changed))


def _fields(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field with its own parameters; an object has none but `enabled`."""
    for name, field in properties.items():
        path = prefix + name
        own = {key: value for key, value in field.items() if key not in {"properties", "fields"}}
        own.setdefault("type", "object")
        yield path, own
        yield from _fields(field.get("properties", {}), path + ".")
        yield from _fields(field.get("fields", {}), path + ".")


def _shown(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_text(value)}" for key, value in sorted(parameters.items(), key=lambda p: p[0] != "type"))


def _text(value: Any) -> Any:
    """Settings come back as strings: compare as strings."""
    if isinstance(value, dict):
        return {key: _text(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_text(part) for part in value]
    return str(value).lower() if isinstance(value, bool) else str(value)

"""The table of every configuration key, for the docs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from streamproc.config.json_schema import config_schema

_HEAD: Final = "| key | type | default | meaning |\n|---|---|---|---|\n"
_ALIASES: Final = frozenset({"topics.dead-letters"})  # named in the row of the key itself


def config_table() -> str:
    """Write every key of the configuration as a Markdown table.

    Returns
    -------
    str
        A row for each key: its path, type, default (a hyphen when it must be given) and meaning.
        ``[]`` stands for each entry of a list.

    Examples
    --------
    >>> print(config_table().splitlines()[2][:56])
    | `broker` | text | `kafka://localhost:9092` | The Kafka
    """
    schema = config_schema()
    return _HEAD + "".join(f"{row}\n" for row in _rows(schema, schema["$defs"], ""))


def _rows(model: Mapping[str, Any], models: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, field in model["properties"].items():
        path = f"{prefix}{key}"
        if path in _ALIASES:
            continue
        cells = (f"`{path}`", _type(field, models), _default(field), field["description"])
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
        inner, step = _inner(field, models)
        if inner:
            yield from _rows(inner, models, f"{path}{step}")


def _inner(
    field: Mapping[str, Any], models: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, str]:
    """Give the section that a field holds, if any, and how a path goes on into it."""
    for branch in field.get("anyOf", [field]):
        item = branch.get("items", branch)
        name = item.get("$ref", "").rpartition("/")[2]
        if "properties" in models.get(name, {}):
            return models[name], "[]." if "items" in branch else "."
    return None, ""


def _type(field: Mapping[str, Any], models: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return _type(models[field["$ref"].rpartition("/")[2]], models)
    if field.get("title") in {"duration", "size", "detector", "pipeline"}:
        return str(field["title"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        branches = [_type(branch, models) for branch in field["anyOf"]]
        return " or ".join(branches)
    if field["type"] == "array":
        entry = _type(field["items"], models)
        return f"list of {entry}" if entry.endswith("`") else f"list of {entry}s"
    names = {"object": "section", "string": "text", "integer": "whole number"}
    names["boolean"] = "true, false"
    return names.get(field["type"], str(field["type"]))


def _default(field: Mapping[str, Any]) -> str:
    if "default" not in field:
        return "-"
    default = field["default"]
    if isinstance(default, dict):
        return "its defaults"
    return f"`{default}`" if isinstance(default, str) and default else f"`{json.dumps(default)}`"

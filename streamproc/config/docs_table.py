"""The table of every configuration key, for the docs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from streamproc.config.json_schema import config_schema
from streamproc.config.sink import SinkSection
from streamproc.config.topics import DASHED

_HEAD: Final = "| key | type | default | meaning |\n|---|---|---|---|\n"
_ELSEWHERE: Final = ("intake[].map", "intake[].rules[].map")  # docs/intake.md has these
_ALIASES: Final = {  # in the row of the key
    *(f"topics.{dashed}" for dashed in DASHED.values()),
    *("models[].floor", "models[].online.floor"),
}


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
        if "oneOf" in field.get("items", {}):
            yield from _rows_of_kinds(field["items"]["oneOf"], models, path)
        inner, step = _inner(field, models)
        # Routes have routes.
        if inner and inner is not model and not path.endswith(_ELSEWHERE):
            yield from _rows(inner, models, f"{path}{step}")


def _rows_of_kinds(
    refs: Sequence[Mapping[str, str]], models: Mapping[str, Any], path: str
) -> Iterator[str]:
    """Write the keys that all kinds of a list's entries share, then those of each kind."""
    kinds = [models[ref["$ref"].rpartition("/")[2]] for ref in refs]
    tag = "kind"
    shared = {key: kinds[0]["properties"][key] for key in SinkSection.model_fields}
    yield from _rows({"properties": shared}, models, f"{path}[].")
    for kind in kinds:
        name = kind["properties"][tag]["const"]
        own = {key: kind["properties"][key] for key in kind["properties"] if key not in shared}
        own = {tag: own.pop(tag), **own}
        yield from _rows({"properties": own}, models, f"{path}[{name}].")


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
    values = field.get("enum", [field["const"]] if "const" in field else [])
    if values:
        return ", ".join(f"`{value}`" for value in values)
    if "anyOf" in field:
        branches = [_type(branch, models) for branch in field["anyOf"]]
        return " or ".join(branches)
    kind = field.get("type", "object")  # a choice of sections has no type
    if kind == "array":
        entry = _type(field["items"], models)
        return f"list of {entry}" if entry.endswith("`") else f"list of {entry}s"
    names = {"object": "section", "string": "text", "integer": "whole number"}
    names["boolean"] = "true, false"
    return names.get(kind, str(kind))


def _default(field: Mapping[str, Any]) -> str:
    if "default" not in field:
        return "-"
    default = field["default"]
    if isinstance(default, dict):
        return "its defaults"
    return f"`{default}`" if isinstance(default, str) and default else f"`{json.dumps(default)}`"

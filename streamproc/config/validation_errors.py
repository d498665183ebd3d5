"""Pydantic's findings as lines for the person who wrote the file."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from streamproc.config.annotations import inner_model
from streamproc.config.found import MAX_LENGTH, kind_of, shown
from streamproc.config.secrets import ENV_PATTERN
from streamproc.config.sinks import SECTIONS
from streamproc.config.topics import NAME_PATTERN, PREFIX_PATTERN
from streamproc.config.yaml_lines import Problem
from streamproc.schemas.section import REFUSED, Path, suggest

_EXPECTED: Final = {
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "invalid_key": "text as key",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "string_type": "text",
    "tuple_type": "a list",
}
_PATTERNS: Final = {
    ENV_PATTERN: "the name of an environment variable, in capitals",
    NAME_PATTERN: "letters, digits, dots, underscores and hyphens",
    PREFIX_PATTERN: "letters, digits, dots, underscores and hyphens",
}
_TIMEDELTA: Final = re.compile(r"datetime\.timedelta\(seconds=(\d+)\)")
_TAG_ERRORS: Final = frozenset({"union_tag_invalid", "union_tag_not_found"})
# Of what stands here only the kind is shown: it may be a secret in the wrong place.
_GUARDED: Final = frozenset(
    {"security", "control", "http", "http_intake", "registry", "webhooks", "sinks"}
)
_UNGUARDED: Final = frozenset(
    {"protocol", "mechanism", "check_hostname", "host", "port", "severity", "timeout"}
    | {"max_bytes", "give_up_after", "kind", "events_per_second"}
)


def explain(
    error: ValidationError, model: type[BaseModel], lines: Mapping[Path, int]
) -> Iterator[Problem]:
    """Say for each finding where it is, what was expected and what was found.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    model : type
        The model that was validated, for the keys that it knows.
    lines : Mapping
        Line of each path, as far as they are known.

    Yields
    ------
    Problem
        In the order of the fields, with line 0 where none is known.
    """
    for detail in error.errors(include_url=False):
        location = without_tag(detail["loc"])
        if detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]:
            continue  # some of its items are refused, each with its own problem
        if detail["type"] in _TAG_ERRORS:
            yield Problem(_line(lines, (*location, "kind")), (*location, "kind"), _tag(detail))
            continue
        if detail["type"] == REFUSED:
            for at, message in detail["ctx"]["problems"]:
                yield Problem(_line(lines, (*location, *at)), (*location, *at), message)
            continue
        yield Problem(_line(lines, location), location, _message(detail, model))


def without_tag(location: Path) -> Path:
    """Leave the kind of a sink out of a path, which pydantic adds: it is not in the file.

    Examples
    --------
    >>> without_tag(("sinks", 0, "pagerduty", "url"))
    ('sinks', 0, 'url')
    """
    match location:
        case ("sinks", int(place), str(kind), *inner) if kind in SECTIONS:
            return ("sinks", place, *inner)
    return location


def _tag(detail: ErrorDetails) -> str:
    """Describe a sink without a kind, or with an unknown one."""
    if detail["type"] == "union_tag_not_found":
        return f"is required: one of {', '.join(SECTIONS)}"
    return f"unknown kind; {suggest(detail['ctx']['tag'][:MAX_LENGTH], list(SECTIONS))}"


def _line(lines: Mapping[Path, int], path: Path) -> int:
    """Line of the path, or of what surrounds it when it is not there."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 0


def _message(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, path = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(path, model)
    path = without_tag(path)
    if kind == "missing":
        return "is required"
    found = _found(path, detail["input"])
    if kind == "string_pattern_mismatch":
        return f"expected {_PATTERNS[detail['ctx']['pattern']]}, {found}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, {found}"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    message = _TIMEDELTA.sub(lambda match: f"{match[1]}s", message)
    return f"{message.replace('String should', 'expected to')}, {found}{_hint(detail)}"


def _unknown_key(path: Path, model: type[BaseModel]) -> str:
    owner = _model_at(model, path[:-1])
    known = dict(_keys(owner)) if owner else {}
    if path[-1] in known:  # pydantic takes the first name of a field, and reports the second
        alias: Any = known[str(path[-1])].validation_alias
        return f"is the same key as `{alias.choices[0]}`: keep one"
    return f"unknown key; {suggest(str(path[-1]), list(known))}"


def _keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key as it may be written, and its field."""
    for name, info in model.model_fields.items():
        if isinstance(info.validation_alias, AliasChoices):
            yield from ((str(choice), info) for choice in info.validation_alias.choices)
        elif not name.endswith("_"):  # `continue_` is written `continue`
            yield name, info


def _model_at(model: type[BaseModel] | None, path: Path) -> type[BaseModel] | None:
    if without_tag(path) != path:
        return _model_at(SECTIONS[str(path[2])], path[3:])
    for part in path:
        # An item of a list, or a branch of a union, is of the model that the field names.
        if isinstance(part, int) or (model is not None and part == model.__name__):
            continue
        field = None if model is None else dict(_keys(model)).get(part)
        if field is None:
            return None
        model = inner_model(field.annotation)
    return model


def _hint(detail: ErrorDetails) -> str:
    """Name the literal that a typo was meant to be."""
    if detail["type"] != "literal_error" or not isinstance(detail["input"], str):
        return ""
    known = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    folded = {name.lower(): name for name in known}
    close = get_close_matches(detail["input"].lower(), folded, n=1)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""


def _found(path: Path, value: Any) -> str:
    text = kind_of(value) if _is_hidden(path) else shown(value)
    return f"found {text}"


def _is_hidden(path: Path) -> bool:
    return bool(path) and path[0] in _GUARDED and path[-1] not in _UNGUARDED

"""Write what a JSON Schema asks of one value as conditions of rules."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from streamproc.tabular.schema_parts import types_of
from streamproc.tabular.schema_regex import FORMATS, PatternError, full_match

_ANNOTATIONS: Final = frozenset(
    (
        "$schema",
        "$id",
        "$anchor",
        "$comment",
        "$vocabulary",
        "id",
        "title",
        "description",
        "default",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
    )
)
_STRUCTURE: Final = frozenset(("type", "$ref", "allOf", "anyOf", "oneOf", "$defs", "definitions"))
_OF_LISTS: Final = frozenset(
    (
        "items",
        "prefixItems",
        "additionalItems",
        "unevaluatedItems",
        "contains",
        "minContains",
        "maxContains",
        "minItems",
        "maxItems",
        "uniqueItems",
    )
)
_OPEN: Final = frozenset({"additionalProperties", "unevaluatedProperties"})
_WITH_SCHEMAS: Final = "a rule does not depend on another schema; `expression` may say it"
_UNNAMED: Final = "features that the schema does not name are not refused"
_WHY_NOT: Final[Mapping[str, str]] = {
    "not": _WITH_SCHEMAS,
    "if": _WITH_SCHEMAS,
    "dependentRequired": "whether a value is missing does not depend on another one in a rule",
    "dependentSchemas": _WITH_SCHEMAS,
    "dependencies": _WITH_SCHEMAS,
    "additionalProperties": _UNNAMED,
    "unevaluatedProperties": _UNNAMED,
    "patternProperties": "rules have no globs",
    "propertyNames": "rules are about values, not names",
    "format": "a rule does not know this format",
    "multipleOf": "a rule has steps of integers only: others are not exact in 64-bit floats",
}


class Wanted(NamedTuple):
    """A condition of a rule that a schema asks for, or why there is none.

    Attributes
    ----------
    keyword
        Where it is in the schema.
    what
        Its part of the rule's name.
    condition
        As the configuration has it; `expression` with `{}` for the value. Empty: there is none.
    why_not
        Why there is none.
    """

    keyword: str
    what: str
    condition: dict[str, Any]
    why_not: str = ""


def wanted(schema: Mapping[str, Any]) -> Iterator[Wanted]:
    """Yield the conditions of a schema of a value that is not an object.

    Examples
    --------
    >>> for each in wanted({"type": "integer", "exclusiveMinimum": 0, "not": {"const": 7}}):
    ...     print(each.keyword, each.condition or each.why_not)
    minimum {'range': {'min': 1}}
    type {'expression': '{} % 1 == 0'}
    not a rule does not depend on another schema; `expression` may say it
    """
    done = set[str]()
    for each in (*_chosen(schema), *_limits(schema), *_steps(schema), *_texts(schema)):
        done.add(each.keyword)
        yield each
    if "array" in types_of(schema):
        done |= _OF_LISTS  # the type says it
    yield from unexpressed(schema, done)


def unexpressed(schema: Mapping[str, Any], done: set[str]) -> Iterator[Wanted]:
    """Yield the keywords of a schema that have no rule, but for those that are done."""
    if done & {"minLength", "maxLength"}:
        done |= {"minLength", "maxLength"}
    for key, value in schema.items():
        is_idle = key in _OPEN and value in (True, {})  # allows what is not named
        if key in done | _ANNOTATIONS | _STRUCTURE or is_idle or key.startswith("x-"):
            continue
        if key in {"then", "else"} and "if" in schema:
            continue
        if not (key in _LIMITS and (_is_number(value) or isinstance(value, bool))):
            why = _WHY_NOT.get(key, "is not a keyword that rules have a condition for")
            yield Wanted(key, "", {}, why)


_LIMITS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def _chosen(schema: Mapping[str, Any]) -> Iterator[Wanted]:
    """Yield the set of values that are allowed, and the types that have no rule."""
    types = types_of(schema)
    key = next((key for key in ("enum", "const") if key in schema), "")
    if key:
        values = schema["enum"] if key == "enum" else [schema["const"]]
        known = [each for each in values if each is not None] if isinstance(values, list) else []
        if known and all(isinstance(each, bool | int | float | str) for each in known):
            yield Wanted(key, "set", {"set": known})
        elif values != [None]:
            yield Wanted(key, "", {}, "expected texts, numbers, true or false")
    elif types - {"null"} == {"boolean"}:
        yield Wanted("type", "set", {"set": [False, True]})
    if types & {"array", "object"}:
        kind = "list" if "array" in types else "object"
        yield Wanted("type", "", {}, f"rules are not about the values of a {kind}")


def _limits(schema: Mapping[str, Any]) -> Iterator[Wanted]:
    """Yield the limits of numbers; those of integers that are open are one further."""
    integers = types_of(schema) - {"null"} == {"integer"}
    closed: dict[str, float] = {}
    beyond: list[str] = []
    for end, is_low in (("min", True), ("max", False)):
        limit, open_ = schema.get(f"{end}imum"), schema.get(f"exclusive{end.capitalize()}imum")
        if open_ is True:  # of draft 4: a property of the limit
            limit, open_ = None, limit
        if _is_number(open_) and integers:
            nearest = math.floor(open_) + 1 if is_low else math.ceil(open_) - 1
            limits = [nearest, limit] if _is_number(limit) else [nearest]
            limit = max(limits) if is_low else min(limits)
        elif _is_number(open_):
            beyond.append(f"{{}} {'>' if is_low else '<'} {open_!r}")
        if _is_number(limit):
            closed[end] = limit
    if closed:
        yield Wanted("minimum" if "min" in closed else "maximum", "range", {"range": closed})
    if beyond:
        yield Wanted("exclusiveMinimum", "limit", {"expression": " and ".join(beyond)})


def _steps(schema: Mapping[str, Any]) -> Iterator[Wanted]:
    types, step = types_of(schema), schema.get("multipleOf")
    if "integer" in types and "number" not in types and not {"enum", "const"} & schema.keys():
        yield Wanted("type", "integer", {"expression": "{} % 1 == 0"})
    if _is_number(step) and step == int(step) and step > 0:
        yield Wanted("multipleOf", "step", {"expression": f"{{}} % {int(step)} == 0"})


def _texts(schema: Mapping[str, Any]) -> Iterator[Wanted]:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    if {"minLength", "maxLength"} & schema.keys():
        limits = f"{shortest},{'' if longest is None else longest}"
        yield Wanted("minLength", "length", {"regex": rf"[\s\S]{{{limits}}}"})
    form = schema.get("format")
    if isinstance(form, str) and form in FORMATS:
        yield Wanted("format", form, {"regex": FORMATS[form]})
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        try:
            yield Wanted("pattern", "pattern", {"regex": full_match(pattern)})
        except PatternError as error:
            yield Wanted("pattern", "", {}, str(error))


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

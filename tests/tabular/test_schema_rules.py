"""Rules that are written from a JSON Schema."""

import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.monitor import Monitor
from streamproc.tabular.errors import RowError
from streamproc.tabular.learned_rules import named_differently
from streamproc.tabular.schema_regex import PatternError, full_match
from streamproc.tabular.schema_rules import rules_of_schema


def schema_of(**keywords: Any) -> dict[str, Any]:
    """Return a schema of objects with the property x."""
    return {"type": "object", "properties": {"x": keywords}}


def conditions(**keywords: Any) -> list[dict[str, Any]]:
    """Return the conditions of the rules of a property x."""
    found = rules_of_schema(schema_of(**keywords))
    assert not found.unexpressed
    return [{k: v for k, v in rule.items() if k not in {"name", "on"}} for rule in found.rules]


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"minimum": 0, "maximum": 9}, [{"range": {"min": 0, "max": 9}}]),
        ({"exclusiveMinimum": 0, "maximum": 9}, [
            {"range": {"max": 9}}, {"expression": "feature['x'] > 0"}]),
        ({"minimum": 1.5, "exclusiveMinimum": True}, [{"expression": "feature['x'] > 1.5"}]),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9.5}, [
            {"range": {"min": 1, "max": 9}}, {"expression": "feature['x'] % 1 == 0"}]),
        ({"enum": ["a", "b", None]}, [{"set": ["a", "b"]}]),
        ({"const": 3}, [{"set": [3]}]),
        ({"type": "boolean"}, [{"set": [False, True]}]),
        ({"type": ["number", "null"], "multipleOf": 5}, [{"expression": "feature['x'] % 5 == 0"}]),
        ({"type": "string", "maxLength": 3}, [{"regex": r"[\s\S]{0,3}"}]),
        ({"pattern": "^[A-Z]+$"}, [{"regex": "[A-Z]+"}]),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [
            {"range": {"min": 1}}, {"range": {"max": 2}}]),
        ({"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}, [{"range": {"min": 0}}]),
        ({"title": "X", "description": "…", "default": 1, "x-unit": "EUR"}, []),
    ],
)  # fmt: skip
def test_each_keyword_has_its_rule(
    keywords: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    """Limits, sets, types, steps, lengths and patterns become conditions of rules."""
    assert conditions(**keywords) == expected


@pytest.mark.parametrize(
    ("schema", "path", "why"),
    [
        (schema_of(items={}, type="array"), "#/properties/x/type", "values of a list"),
        (schema_of(multipleOf=0.1), "#/properties/x/multipleOf", "steps of integers only"),
        (schema_of(enum=["a", 1]), "#/properties/x/enum", "has texts and numbers"),
        (schema_of(enum=[[1]]), "#/properties/x/enum", "expected texts, numbers"),
        (schema_of(format="hostname"), "#/properties/x/format", "does not know this format"),
        (schema_of(pattern=r"\p{L}"), "#/properties/x/pattern", "do not have '\\\\p'"),
        (schema_of(pattern="("), "#/properties/x/pattern", "is not a regular expression"),
        (schema_of(oneOf=[{}, {"minimum": 3}]), "#/properties/x/oneOf", "no alternatives"),
        (schema_of(minimum="3"), "#/properties/x/minimum", "is not a keyword"),
        (schema_of(**{"$ref": "b.json"}), "#/properties/x/$ref", "is not in this document"),
        (schema_of(**{"$ref": "#/properties/x"}), "#/properties/x/$ref", "refers to itself"),
        (schema_of(minimum=2, maximum=1), "#/properties/x/minimum", "is below `min`"),
        ({"properties": {"x": False}}, "#/properties/x", "allows no value"),
        (schema_of() | {"additionalProperties": False}, "#/additionalProperties", "not refused"),
        (schema_of() | {"if": {}, "then": {}}, "#/if", "`expression` may say it"),
        (schema_of(type=["string", "null"]) | {"required": ["x"]}, "#/required", "may be null"),
    ],
)
def test_what_rules_cannot_say_is_named(schema: dict[str, Any], path: str, why: str) -> None:
    """Each keyword without a rule is listed once, with its place and the reason."""
    [(place, reason)] = rules_of_schema(schema).unexpressed

    assert place == path
    assert why in reason


def test_parts_of_objects_are_features_with_dots() -> None:
    """A part of an object is required if the object is, else only where the object is there."""
    user = {"type": "object", "required": ["age"], "properties": {"age": {"maximum": 150}}}
    schema = {
        "properties": {"buyer": {"$ref": "#/$defs/user"}, "seller": {"$ref": "#/$defs/user"}},
        "required": ["buyer"],
        "$defs": {"user": user},
    }
    found = rules_of_schema(schema)

    assert [(rule["on"], rule["name"]) for rule in found.rules] == [
        ("feature:buyer.age", "buyer.age_range"),
        ("feature:buyer.age", "buyer.age_missing"),
        ("feature:seller.age", "seller.age_range"),
    ]
    assert found.unexpressed == [
        ("#/$defs/user/required", "'age' is required only where 'seller' is there")
    ]


def test_the_prediction_and_what_is_left_out_are_named() -> None:
    """Properties may be the prediction, or those of its classes, or nothing that rules are for."""
    limit = {"exclusiveMaximum": 1}
    schema = {
        "components": {"Row": {"properties": {"p": limit, "id": {"maxLength": 9}}}},
        "properties": {"p": {"properties": {"cat": limit}}},
    }
    number = rules_of_schema(schema, "#/components/Row", prediction="p", omit=["id"])
    classes = rules_of_schema(schema, prediction="p")

    assert [rule["expression"] for rule in number.rules] == ["prediction < 1"]
    assert [rule["expression"] for rule in classes.rules] == ["prediction['cat'] < 1"]


def test_a_schema_that_multiplies_is_refused() -> None:
    """References that lead to more and more properties end with an error, not without memory."""
    schemas = {
        f"s{at}": {"properties": {str(n): {"$ref": f"#/s{at + 1}"} for n in range(9)}}
        for at in range(18)
    }

    with pytest.raises(RowError, match="more than 10000 properties"):
        rules_of_schema({**schemas, "s18": {"maximum": 1}}, "#/s0")


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 12), st.sampled_from([0.5, 2.5, 9.5])
) | st.sampled_from(["", "a", "DE", "DEU", "1", "2026-01-05"])
KEYWORDS = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.integers(-2, 5),
        "exclusiveMinimum": st.integers(-2, 5),
        "maximum": st.integers(5, 11),
        "exclusiveMaximum": st.sampled_from([5.5, 8]),
        "multipleOf": st.integers(1, 4),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(2, 3),
        "pattern": st.sampled_from(["^[A-Z]{2}$", "E", "^a|U$", r"\d"]),
        "enum": st.just([1, 2.5, 9]),
        "type": st.sampled_from(["integer", "number"]),
    },
)


@given(
    keywords=KEYWORDS, values=st.lists(VALUES, min_size=1, max_size=3), is_required=st.booleans()
)
def test_rules_judge_as_a_validator_does(
    keywords: dict[str, Any], values: list[Any], *, is_required: bool
) -> None:
    """Events violate a rule where the library jsonschema refuses them, but for wrong types."""
    schema = schema_of(**keywords) | ({"required": ["x"]} if is_required else {})
    rules = list(named_differently(rules_of_schema(schema).rules))
    for value in values:
        if isinstance(value, bool) or (isinstance(value, str) and "type" in keywords):
            continue  # true is 1 in events, and a type is not a rule
        if isinstance(value, str) and "enum" in keywords:
            continue
        features = {} if value is None else {"x": value}
        model = {"id": "*", "watch": [], "rules": rules}
        event = {"model_id": "m", "ts": 0, "features": features}
        alerts = Monitor({"models": [model]}).process([event])
        valid = jsonschema.Draft202012Validator(schema).is_valid(features)

        assert bool([each for each in alerts if each.kind == "rule"]) == (not valid)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a$", "ba", True),
        ("a$", "a\n", False),
        ("^a|b$", "xb", True),
        ("^a|b$", "bx", False),
        (r"^\d+$", "12", True),
        (r"^\d+$", "\u0661", False),
        ("[$^]", "x$", True),
        (r"^\$$", "$", True),
    ],
)
def test_a_pattern_is_searched(pattern: str, text: str, *, expected: bool) -> None:
    """A pattern of a schema may match anywhere, `$` is the end, and digits are those of ASCII."""
    assert (re.fullmatch(full_match(pattern), text) is not None) == expected


@pytest.mark.parametrize("pattern", [r"\p{L}", "(?<name>a)", r"\u{1F600}", "[]", r"\cA"])
def test_a_pattern_of_ecma_alone_is_refused(pattern: str) -> None:
    """What Python does not have is an error, not another meaning."""
    with pytest.raises(PatternError):
        full_match(pattern)

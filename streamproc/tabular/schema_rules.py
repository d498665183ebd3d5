"""Write a JSON Schema of features as rules, and name what rules do not express."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from streamproc.config.rule import Rule
from streamproc.tabular.errors import RowError
from streamproc.tabular.learned_rules import LearnedRule
from streamproc.tabular.schema_parts import Part, parts_of
from streamproc.tabular.schema_values import unexpressed, wanted

_MAX_DEPTH: Final = 20
_MAX_NAME: Final = 80
MAX_PROPERTIES: Final = 10_000
"""Properties of a schema, each as often as references lead to it."""


@dataclass(slots=True)
class SchemaRules:
    """What becomes of a schema.

    Attributes
    ----------
    rules
        As the configuration has them.
    unexpressed
        Place in the schema of each keyword that has no rule, and why.
    properties
        Names of the properties of the root.
    """

    rules: list[LearnedRule] = field(default_factory=list)
    unexpressed: list[tuple[str, str]] = field(default_factory=list)
    properties: set[str] = field(default_factory=set)


def rules_of_schema(
    document: Any, pointer: str = "#", *, prediction: str | None = None, omit: Iterable[str] = ()
) -> SchemaRules:
    """Translate the properties of a schema.

    Parameters
    ----------
    document
        The JSON Schema, of any draft, as Python objects.
    pointer
        The schema of the features in it, as a JSON pointer.
    prediction
        The property that is the prediction; others are features.
    omit
        Properties of the root that are neither.

    Raises
    ------
    RowError
        If the schema has more than `MAX_PROPERTIES`.

    Notes
    -----
    As in JSON Schema, a rule of numbers says nothing of texts, and the other way round.

    Examples
    --------
    >>> found = rules_of_schema({"properties": {"age": {"minimum": 0, "uniqueItems": True}}})
    >>> found.rules
    [{'name': 'age_range', 'on': 'feature:age', 'range': {'min': 0}}]
    >>> found.unexpressed
    [('#/properties/age/uniqueItems', 'is not a keyword that rules have a condition for')]
    """
    walk = _Walk(document, prediction, frozenset(omit))
    walk.object([Part({"$ref": pointer}, "")], (), is_there=True)
    return walk.found


@dataclass(slots=True)
class _Walk:
    """Goes through the properties of a schema."""

    document: Any
    prediction: str | None
    omit: frozenset[str]
    found: SchemaRules = field(default_factory=SchemaRules)
    count: int = 0

    def object(self, schemas: list[Part], names: tuple[str, ...], *, is_there: bool) -> bool:
        """Translate the properties of an object; return whether one of them is required."""
        if len(names) > _MAX_DEPTH:
            self._refuse(schemas[0].path, f"is more than {_MAX_DEPTH} objects deep")
            return False
        properties: dict[str, list[Part]] = {}
        required: dict[str, str] = {}
        for schema, path, _, references in self._parts(schemas):
            if isinstance(schema.get("properties"), Mapping):
                for name, each in schema["properties"].items():
                    place = Part(each, f"{path}/properties/{name}", references=references)
                    properties.setdefault(name, []).append(place)
            if isinstance(schema.get("required"), list):
                asked = [name for name in schema["required"] if isinstance(name, str)]
                required |= dict.fromkeys(asked, f"{path}/required")
            for each in unexpressed(schema, {"properties", "required"}):
                self._refuse(f"{path}/{each.keyword}", each.why_not)
        if not names:
            self.found.properties = {*properties, *required}
        for name in {**properties, **required}:
            if names or name not in self.omit:
                schemas = properties.get(name, [])
                self._property(schemas, (*names, name), required.get(name), is_there=is_there)
        return bool(required)

    def _property(
        self, schemas: list[Part], names: tuple[str, ...], required: str | None, *, is_there: bool
    ) -> None:
        self.count += 1
        if self.count > MAX_PROPERTIES:
            raise RowError(f"the schema has more than {MAX_PROPERTIES} properties")
        parts = list(self._parts(schemas))
        if any("properties" in part.schema for part in parts):
            is_inner_there = is_there and required is not None
            has_required = self.object(schemas, names, is_there=is_inner_there)
            if required is not None and not has_required:
                self._refuse(required, f"{names[-1]!r} is an object that may be empty")
            return
        for schema, path, *_ in parts:
            for each in wanted(schema):
                place = f"{path}/{each.keyword}"
                if each.condition:
                    self._add(place, names, each.what, each.condition)
                else:
                    self._refuse(place, each.why_not)
        if required is None:
            return
        if any(part.allows_null for part in parts):
            why = f"{names[-1]!r} may be null, and events do not tell null from missing"
            self._refuse(required, why)
        elif not is_there:
            self._refuse(required, f"{names[-1]!r} is required only where {names[-2]!r} is there")
        else:
            self._add(required, names, "missing", {"missing": 0})

    def _parts(self, schemas: Iterable[Part]) -> Iterator[Part]:
        for each in schemas:
            yield from parts_of(each, self.document, self._refuse)

    def _add(self, path: str, names: tuple[str, ...], what: str, condition: dict[str, Any]) -> None:
        series, value = _names_of(names, is_prediction=names[0] == self.prediction)
        short = re.sub(r"[^A-Za-z0-9._-]+", "_", ".".join(names))[:_MAX_NAME] or "_"
        rule: LearnedRule = {"name": f"{short}_{what}"}
        if "expression" in condition:
            rule["expression"] = condition["expression"].replace("{}", value)
        else:
            rule |= {"on": series} | condition
        try:
            Rule.model_validate(rule)
        except ValidationError as error:
            self._refuse(path, f"no rule has this: {error.errors()[0]['msg']}")
        else:
            self.found.rules.append(rule)

    def _refuse(self, path: str, why: str) -> None:
        if (path, why) not in self.found.unexpressed:
            self.found.unexpressed.append((path, why))


def _names_of(names: tuple[str, ...], *, is_prediction: bool) -> tuple[str, str]:
    """Return what a property is in `on`, and in an expression; parts of objects have dots."""
    if not is_prediction:
        name = ".".join(names)
        return f"feature:{name}", f"feature[{name!r}]"
    name = ".".join(names[1:])
    return (f"prediction:{name}", f"prediction[{name!r}]") if name else ("prediction",) * 2

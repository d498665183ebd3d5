"""A River model by the names of its classes, checked before anything of River is imported."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from streamproc.config.river_classes import ALLOWED_CLASSES
from streamproc.config.river_params import ParamType, Role
from streamproc.schemas.section import Path, Section, refuse, suggest

Step = dict[str, dict[str, Any]]
"""A class by its name, with the parameters that were given."""
Problem = tuple[Path, str]

_EXPECTED: Final = "expected a class of River, or {class: {parameter: value}}"
_MODELS: Final[tuple[Role, ...]] = ("classifier", "regressor")
_MAX_DEPTH: Final = 8


class ModelSpec(Section):
    """A pipeline of River classes: any transformers, then a classifier or regressor.

    In YAML it is a class, ``{class: {parameter: value}}``, or a list of these. A parameter may
    be a class too.

    Raises
    ------
    pydantic.ValidationError
        When a class is not on the list, a parameter is unknown or out of its range, or the
        order makes no sense. Nothing is imported to find out.

    Examples
    --------
    >>> spec = ModelSpec.model_validate(
    ...     ["preprocessing.StandardScaler", {"linear_model.LogisticRegression": {"l2": 0.001}}]
    ... )
    >>> spec.kind, spec.binary
    ('classifier', True)
    """

    steps: Annotated[
        list[Step],
        Field(description="Classes in their order.", examples=[[{"naive_bayes.GaussianNB": {}}]]),
    ]

    @property
    def kind(self) -> Literal["classifier", "regressor"]:
        """What the last step is."""
        return "regressor" if _role(self.steps[-1]) == "regressor" else "classifier"

    @property
    def binary(self) -> bool:
        """Whether it tells two classes apart, and no more."""
        return _binary(self.steps)

    @property
    def texts(self) -> bool:
        """Whether features that are texts mean something to it."""
        return _texts(self.steps)

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that are equal for equal models, on any machine."""
        canonical = json.dumps(self.steps, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: object) -> object:
        if isinstance(value, ModelSpec):
            return value
        problems: list[Problem] = []
        steps = _pipeline(value, (), _MODELS, problems)
        if problems:
            refuse(*problems)
        return {"steps": steps}

    @model_serializer
    def _as_written(self) -> list[Step]:
        return self.steps

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe what is written in YAML, which is not what is kept."""
        names = sorted(
            name
            for name, allowed in ALLOWED_CLASSES.items()
            if allowed.role in (*_MODELS, "transformer")
        )
        one: list[dict[str, Any]] = [
            {"type": "string", "enum": names},
            {
                "type": "object",
                "properties": {name: {"type": ["object", "null"]} for name in names},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
        many = {"type": "array", "items": {"anyOf": one}, "minItems": 1}
        return {"title": "pipeline", "anyOf": [*one, many]}


def _pipeline(
    value: object, at: Path, roles: tuple[Role, ...], problems: list[Problem]
) -> list[Step]:
    """Check a class or a list of them, of which the last must have one of the roles."""
    if not isinstance(value, list | tuple):
        return _one(value, at, roles, problems)
    if not value:
        problems.append((at, "expected at least one class"))
    steps: list[Step] = []
    for place, item in enumerate(value):
        last = place == len(value) - 1
        steps += _one(item, (*at, place), roles if last else ("transformer",), problems)
    return steps


def _one(value: object, at: Path, roles: tuple[Role, ...], problems: list[Problem]) -> list[Step]:
    if len(at) > _MAX_DEPTH * 3:
        problems.append((at, f"is nested deeper than {_MAX_DEPTH} classes"))
        return []
    name, given = _split(value)
    if name is None:
        problems.append((at, _EXPECTED))
        return []
    known = sorted(key for key, allowed in ALLOWED_CLASSES.items() if allowed.role in roles)
    if name not in ALLOWED_CLASSES:
        problems.append((at, f"there is no such class; {suggest(name, known)}"))
        return []
    if ALLOWED_CLASSES[name].role not in roles:
        found = ALLOWED_CLASSES[name].role.replace("_", " ")
        message = f"{name} is a {found}; expected here: {' or '.join(roles)}".replace("_l", " l")
        problems.append((at, message))
        return []
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        problems.append(((*at, name), "expected a mapping of parameters"))
        return []
    return [{name: _params(name, given, (*at, name), problems)}]


def _split(value: object) -> tuple[str | None, object]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        name, given = next(iter(value.items()))
        if isinstance(name, str):
            return name, {} if given is None else given
    return None, None


def _params(
    name: str, given: Mapping[str, Any], at: Path, problems: list[Problem]
) -> dict[str, Any]:
    schema = ALLOWED_CLASSES[name].params
    checked: dict[str, Any] = {}
    for key, value in given.items():
        if key not in schema:
            problems.append(((*at, key), f"unknown parameter; {suggest(key, sorted(schema))}"))
        else:
            checked[key] = _value(schema[key], value, (*at, key), problems)
    for key, takes in schema.items():
        if takes.required and key not in given:
            problems.append((at, f"`{key}` is missing: expected {takes.expected}"))
        if takes.seed and key not in given:
            checked[key] = 1
    return checked


def _value(takes: ParamType, value: object, at: Path, problems: list[Problem]) -> Any:
    if takes.takes(value):
        return value
    if takes.roles and isinstance(value, str | Mapping | list | tuple):
        return _pipeline(value, at, takes.roles, problems)
    problems.append((at, f"expected {takes.expected}"))
    return None


def _role(step: Step) -> Role:
    return ALLOWED_CLASSES[next(iter(step))].role


def _inner(step: Step) -> list[Step]:
    """Find the model that a step is made of, if it is."""
    [(name, params)] = step.items()
    for key, takes in ALLOWED_CLASSES[name].params.items():
        if set(takes.roles) & set(_MODELS) and key in params:
            return list(params[key])
    return []


def _binary(steps: list[Step]) -> bool:
    [(name, _)] = steps[-1].items()
    if name == "multiclass.OneVsRestClassifier":
        return False
    inner = _inner(steps[-1])
    return ALLOWED_CLASSES[name].binary or bool(inner and _binary(inner))


def _texts(steps: list[Step]) -> bool:
    [(name, _)] = steps[0].items()
    inner = _inner(steps[0])
    return ALLOWED_CLASSES[name].texts or bool(inner and _texts(inner))

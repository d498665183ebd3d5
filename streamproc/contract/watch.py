"""What to watch of which models, with which detectors."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    HttpUrl,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from detectors import registry
from detectors.errors import DetectorError, UnknownDetectorError
from streamproc.contract.alerts import Severity
from streamproc.contract.section import Path, Section, refuse, refuse_if_any, suggest

Task = Literal["binary", "multiclass", "regression"]

_DETECTOR_EXPECTED: Final = "expected a detector's name, or {name: {parameter: value}}"
_NAMED: Final = ("feature:", "prediction:", "quality:", "metric:")
_SINGLE: Final = ("prediction", "error", "features")
_SERIES_EXPECTED: Final = (
    "matches no series: expected a glob of feature:<name>, prediction, prediction:<class>,"
    " quality:<name>, error, metric:<name> or features"
)


class DetectorSpec(Section):
    """A detector and all of its parameters, the defaults among them.

    In YAML it is a name, or ``{name: {parameter: value}}``.

    Raises
    ------
    pydantic.ValidationError
        When there is no such detector, or it does not take such a parameter.

    Examples
    --------
    >>> DetectorSpec.model_validate("adwin").name
    'adwin'
    """

    name: Annotated[str, Field(description="The detector's name.", examples=["adwin"])]
    params: Annotated[
        dict[str, Any], Field(description="Every parameter.", examples=[{"delta": 0.002}])
    ]

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that are equal for equal detectors, on any machine.

        Alert ids are made with it, so that a changed parameter starts new incidents.
        """
        canonical = json.dumps(
            [self.name, self.params], sort_keys=True, separators=(",", ":"), allow_nan=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: object) -> object:
        if isinstance(value, DetectorSpec):
            return value
        name, params = _split(value)
        try:
            _refuse_unknown(name, params)
            return {"name": name, "params": registry.resolve(name, params)}
        except UnknownDetectorError:
            refuse(((), _unknown_detector(name)))
        except DetectorError as error:
            refuse(_at_its_parameter(name, params, str(error)))

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {self.name: self.params}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe what is written in YAML, which is not what is kept."""
        names = sorted(registry.names())
        return {
            "title": "detector",
            "anyOf": [
                {"type": "string", "enum": names},
                {
                    "type": "object",
                    "properties": {name: {"type": ["object", "null"]} for name in names},
                    "additionalProperties": False,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ],
        }


def _split(value: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(value, str):
        return value, {}
    if not isinstance(value, Mapping) or len(value) != 1:
        refuse(((), _DETECTOR_EXPECTED))
    name, params = next(iter(value.items()))
    if not isinstance(name, str):
        refuse(((), _DETECTOR_EXPECTED))
    if params is None:
        return name, {}
    if not isinstance(params, Mapping) or not all(isinstance(key, str) for key in params):
        refuse(((name,), "expected a mapping of parameters"))
    return name, params


def _unknown_detector(name: str) -> str:
    return f"there is no such detector; {suggest(name, sorted(registry.names()))}"


def _refuse_unknown(name: str, params: Mapping[str, Any]) -> None:
    known = sorted(registry.resolve(name, {}))
    refuse_if_any(
        [
            ((name, param), f"unknown parameter; {suggest(param, known)}")
            for param in params
            if param not in known
        ]
    )


def _at_its_parameter(name: str, params: Mapping[str, Any], message: str) -> tuple[Path, str]:
    """Move the parameter that a detector's message begins with into the path."""
    for param in params:
        prefix = f"{name}.{param}: "
        if message.startswith(prefix):
            return (name, param), message.removeprefix(prefix)
    return (name,), message


def _unreachable(globs: Sequence[str], key: str) -> list[tuple[Path, str]]:
    """Find entries that can never be the first to match."""
    problems: list[tuple[Path, str]] = []
    for place, glob in enumerate(globs):
        hider = next((k for k, other in enumerate(globs[:place]) if other in {glob, "*"}), None)
        if hider is not None:
            message = f"never reached: entry {hider} matches all that it does; put it before that"
            problems.append(((place, key), message))
    return problems


def _can_match(glob: str) -> bool:
    literal = re.split(r"[*?\[]", glob, maxsplit=1)[0]
    if literal == glob:
        return glob in _SINGLE or glob.startswith(_NAMED)
    return literal.startswith(_NAMED) or any(
        head.startswith(literal) for head in (*_NAMED, *_SINGLE)
    )


def _names_a_series(glob: str) -> str:
    """Refuse what can match no series, above all a feature's bare name."""
    if not _can_match(glob):
        hint = f"; for a feature write `feature:{glob}`" if ":" not in glob else ""
        refuse(((), f"{_SERIES_EXPECTED}{hint}"))
    return glob


def _all_different(detectors: tuple[DetectorSpec, ...]) -> tuple[DetectorSpec, ...]:
    first: dict[str, int] = {}
    problems: list[tuple[Path, str]] = []
    for place, spec in enumerate(detectors):
        if first.setdefault(spec.hash, place) != place:
            problems.append(((place,), "is in this list already: every alert would come twice"))
    refuse_if_any(problems)
    return detectors


class Watch(Section):
    """Which detectors look at which series."""

    on: Annotated[
        str,
        AfterValidator(_names_a_series),
        Field(
            description="A series, or a glob of them, case-sensitive; the first entry that"
            " matches a series wins. Series: `feature:<name>`, `prediction`,"
            " `prediction:<class>`, `quality:<name>` (missing values).",
            examples=["feature:*"],
        ),
    ]
    detectors: Annotated[
        tuple[DetectorSpec, ...],
        AfterValidator(_all_different),
        Field(
            strict=False,
            description="Names, or `{name: {parameter: value}}`. An empty list: do not watch.",
            examples=[["adwin", {"page_hinkley": {"threshold": 20}}]],
        ),
    ]


_DEFAULT_WATCH: Final = {"on": "*", "detectors": ["adwin", "page_hinkley"]}
_URL: Final[TypeAdapter[HttpUrl]] = TypeAdapter(HttpUrl)


def _https(url: str) -> str:
    try:
        parsed = _URL.validate_python(url)
    except ValidationError:
        parsed = None
    if parsed is None or parsed.scheme != "https":
        refuse(((), "expected a URL that starts with https://"))
    return url


def _default_watch() -> tuple[Watch, ...]:
    return (Watch.model_validate(_DEFAULT_WATCH),)


def _all_reached(watch: tuple[Watch, ...]) -> tuple[Watch, ...]:
    refuse_if_any(_unreachable([entry.on for entry in watch], "on"))
    return watch


class ModelConfig(Section):
    """What is known of the models whose ids match, and what to watch of them."""

    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="A model's id, or a glob of ids, case-sensitive; the first entry that"
            " matches wins. A model that no entry matches is watched with the defaults.",
            examples=["fraud", "pricing-*"],
        ),
    ]
    task: Annotated[
        Task | None,
        Field(description="What the model answers.", examples=["binary"]),
    ] = None
    owner: Annotated[
        str | None,
        Field(description="Who should hear of its alerts.", examples=["risk-oncall"]),
    ] = None
    runbook: Annotated[
        str | None,
        AfterValidator(lambda url: url if url is None else _https(url)),
        Field(
            description="https URL of what to do; each alert repeats it.",
            examples=["https://wiki.example.org/fraud"],
        ),
    ] = None
    severity: Annotated[
        Severity,
        Field(description="How urgent its alerts are.", examples=["critical"]),
    ] = "warning"
    watch: Annotated[
        tuple[Watch, ...],
        AfterValidator(_all_reached),
        Field(
            strict=False,
            description="What to watch, the first match first. An empty list: nothing.",
            examples=[[{"on": "feature:*", "detectors": ["adwin"]}]],
            default_factory=_default_watch,
            json_schema_extra={"default": [_DEFAULT_WATCH]},
        ),
    ]

    def detectors(self, series: str) -> tuple[DetectorSpec, ...]:
        """Give the detectors that look at a series of these models.

        Parameters
        ----------
        series : str
            Such as ``feature:amount`` or ``prediction``.

        Returns
        -------
        tuple of DetectorSpec
            Those of the first entry of ``watch`` that matches; none when none does.
        """
        for entry in self.watch:
            if fnmatchcase(series, entry.on):
                return entry.detectors
        return ()


def all_reached(models: tuple[ModelConfig, ...]) -> tuple[ModelConfig, ...]:
    """Refuse entries that can never be the first to match a model."""
    refuse_if_any(_unreachable([model.id for model in models], "id"))
    return models

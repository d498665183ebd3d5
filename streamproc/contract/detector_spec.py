"""A detector by its name, with all of its parameters."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from detectors import registry
from detectors.errors import DetectorError, UnknownDetectorError
from streamproc.contract.section import Path, Section, refuse, refuse_if_any, suggest

_DETECTOR_EXPECTED: Final = "expected a detector's name, or {name: {parameter: value}}"


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

    whitened: Annotated[
        bool, Field(description="Whether it reads what is new in each value.", examples=[False])
    ] = False
    baseline: Annotated[
        str,
        Field(description="Digest of what it starts from; empty: the first values.", examples=[""]),
    ] = ""

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that are equal for equal detectors, on any machine.

        Alert ids are made with it, so that a changed parameter starts new incidents.
        """
        said = [self.name, self.params, *(["whitened"] if self.whitened else [])]
        said += [f"baseline {self.baseline}"] if self.baseline else []
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def of_errors(self) -> bool:
        """Whether it reads errors as they come, which cannot be whitened."""
        return registry.get(self.name).family == "error"

    @property
    def of_categories(self) -> bool:
        """Whether it looks at texts, which numbers only stand for."""
        return registry.get(self.name).family == "category"

    def whitening(self) -> "DetectorSpec":
        """Return the same detector, reading what is new in each value; see `detectors.whiten`."""
        return DetectorSpec.model_construct(name=self.name, params=self.params, whitened=True)

    def against(self, baseline: str) -> "DetectorSpec":
        """Return the same detector, starting from a sample with this digest."""
        return DetectorSpec.model_construct(
            name=self.name, params=self.params, whitened=self.whitened, baseline=baseline
        )

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
    known = sorted(registry.accepts(name))
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

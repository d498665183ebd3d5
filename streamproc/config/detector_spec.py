"""A detector by its name, with all of its parameters."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from streamproc.errors import extras_named
from streamproc.schemas.section import Path, Section, refuse, refuse_if_any, suggest

Season = Literal["learned", "daily", "off"]
_NO_NUMBERS: Final = {"error", "category"}
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
    followed: Annotated[
        bool,
        Field(description="Whether its series is followed over its whole life.", examples=[True]),
    ] = True
    season: Annotated[
        Season,
        Field(
            description="Whether its series is compared with a daily profile.", examples=["daily"]
        ),
    ] = "learned"
    estimates: Annotated[
        bool,
        Field(
            description="Whether its series is one of estimated errors, which is followed as"
            " predictions are, and not as errors.",
            examples=[False],
        ),
    ] = False
    baseline: Annotated[
        str,
        Field(description="Digest of what it starts from; empty: the first values.", examples=[""]),
    ] = ""

    warmup: Annotated[
        int | None,
        Field(description="Values of its warm-up; null: the default.", examples=[500]),
    ] = None

    @cached_property
    def hash(self) -> str:
        """Sixteen hex digits that are equal for equal detectors, on any machine.

        Alert ids are made with it, so that a changed parameter starts new incidents.
        """
        parts = [self.name, self.params, *(["whitened"] if self.whitened else [])]
        parts += [f"baseline {self.baseline}"] if self.baseline else []
        parts += [] if self.followed else ["not followed"]
        parts += ["estimates"] if self.estimates else []
        parts += [] if self.season == "learned" else [f"season {self.season}"]
        parts += [] if self.warmup is None else [f"warmup {self.warmup}"]
        canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def of_errors(self) -> bool:
        """Whether it reads errors as they come, which cannot be whitened."""
        return _family(self.name) == "error"

    @staticmethod
    def of_numbers() -> tuple[str, ...]:
        """Name the detectors that read numbers of any size."""
        return tuple(name for name in _names() if _family(name) not in _NO_NUMBERS)

    @property
    def of_categories(self) -> bool:
        """Whether it looks at texts, which numbers only stand for."""
        return _family(self.name) == "category"

    @property
    def of_river(self) -> bool:
        """Whether it is one of River's own, whose state is of one version of River."""
        return self.name.startswith("river:")

    def whitening(self) -> "DetectorSpec":
        """Return the same detector on whitened values; see `streamproc.detectors.series.whiten`."""
        return self._with(whitened=True)

    def alone(self) -> "DetectorSpec":
        """Return the same detector, all of whose alarms count; see `detectors.series`."""
        return self._with(followed=False)

    def on_estimates(self) -> "DetectorSpec":
        """Return the same detector on estimated errors."""
        return self._with(estimates=True)

    def with_season(self, season: Season) -> "DetectorSpec":
        """Return the same detector on a series with a daily profile, or without."""
        return self._with(season=season)

    def learning_from(self, values: int) -> "DetectorSpec":
        """Return the same detector with a warm-up of this number of values."""
        return self._with(warmup=values)

    def against(self, baseline: str) -> "DetectorSpec":
        """Return the same detector, starting from a sample with this digest."""
        return self._with(baseline=baseline)

    def rarer(self, factor: float) -> "DetectorSpec":
        """Return the same detector with a run length until false alarms `factor` times as long."""
        with extras_named():
            from streamproc.detectors import registry  # noqa: PLC0415  # see below
        return self._with(params=registry.rarer(self.name, self.params, factor))

    def _with(self, **changed: object) -> "DetectorSpec":
        """Copy it; not by `model_copy`, which would copy the hash, too."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return DetectorSpec.model_construct(**(fields | changed))

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: object) -> object:
        if isinstance(value, DetectorSpec):
            return value
        name, params = _split(value)
        return {"name": name, "params": _complete(name, params)}

    @model_serializer
    def _as_written(self) -> dict[str, Any]:
        return {self.name: self.params}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe what is written in YAML, which is not what is kept."""
        names = sorted(_names())
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


def refuse_of_errors(lists: Mapping[Path, Sequence[DetectorSpec]]) -> None:
    """Refuse detectors that are blind to a regression's errors; `lists` by where they stand."""
    reason = "reads right or wrong, and a regression's error is a number; expected one of: "
    can = ", ".join(DetectorSpec.of_numbers())
    refuse_if_any(
        [
            ((*path, place), f"{spec.name} {reason}{can}")
            for path, specs in lists.items()
            for place, spec in enumerate(specs)
            if spec.of_errors
        ]
    )


def labelled(specs: Iterable[DetectorSpec]) -> dict[str, DetectorSpec]:
    """Name the detectors of a list: a second one of a name is ``adwin#2``.

    One that is there already, with all of its parameters, is left out.
    """
    found: dict[str, DetectorSpec] = {}
    for spec in {spec.hash: spec for spec in specs}.values():
        places = itertools.chain([spec.name], (f"{spec.name}#{n}" for n in itertools.count(2)))
        found[next(label for label in places if label not in found)] = spec
    return found


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


# The registry is imported when a detector is first looked up: it loads the compiler of the
# detectors, which programs that only publish events or read alerts do without.


def _names() -> tuple[str, ...]:
    with extras_named():
        from streamproc.detectors import registry  # noqa: PLC0415  # see above
    return registry.names()


@cache
def _family(name: str) -> str:
    with extras_named():
        from streamproc.detectors import registry  # noqa: PLC0415  # see above
    return registry.get(name).family


def _complete(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters and add the defaults."""
    with extras_named():
        from streamproc.detectors import registry  # noqa: PLC0415  # see above
        from streamproc.detectors.errors import DetectorError, UnknownDetectorError  # noqa: PLC0415
    try:
        known = sorted(registry.accepts(name))
        refuse_if_any(
            [
                ((name, param), f"unknown parameter; {suggest(param, known)}")
                for param in params
                if param not in known
            ]
        )
        return registry.resolve(name, params)
    except UnknownDetectorError:
        refuse(((), f"there is no such detector; {suggest(name, sorted(_names()))}"))
    except DetectorError as error:
        refuse(_at_its_parameter(name, params, str(error)))


def _at_its_parameter(name: str, params: Mapping[str, Any], message: str) -> tuple[Path, str]:
    """Move the parameter that a detector's message begins with into the path."""
    for param in params:
        prefix = f"{name}.{param}: "
        if message.startswith(prefix):
            return (name, param), message.removeprefix(prefix)
    return (name,), message

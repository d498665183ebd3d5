"""What to read from the topics of other systems, and what becomes of their records."""

import re
from functools import cache
from importlib import resources
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AliasChoices, Field, model_validator

from streamproc.config.intake_fields import Mapping, refuse_bad_pattern
from streamproc.config.topics import NAME_PATTERN
from streamproc.schemas.section import Section, refuse, suggest

Target = Literal["predictions", "features", "labels"]
Format = Literal["json", "json_schema", "avro", "protobuf", "cloudevents", "oip-proto", "arrow"]
SCHEMA_FORMATS: Final = frozenset({"avro", "protobuf"})
"""Formats that cannot be read without a schema."""
_PRESETS: Final = (
    "kserve",
    "mlserver",
    "seldon",
    "bentoml",
    "databricks",
    "sagemaker",
    "debezium",
    "connect",
)
_OF_SOME: Final = frozenset({"features", "prediction", "label"})
"""Fields that some kinds of events have."""
Preset = Literal[
    "kserve", "mlserver", "seldon", "bentoml", "databricks", "sagemaker", "debezium", "connect"
]


class Rule(Section):
    """Which native events some of the records become."""

    when: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="Attributes of CloudEvents, or paths, that a record must have with these"
            " values. Empty: any record.",
            examples=[{"type": "org.kubeflow.serving.inference.request"}],
        ),
    ]
    to: Annotated[Target, Field(description="The native topic.", examples=["predictions"])]
    map: Annotated[
        Mapping,
        Field(description="Where its fields come from.", examples=[{"prediction": "score"}]),
    ]


class Source(Section):
    """The topics to read: their names, or a pattern of them."""

    topics: Annotated[
        tuple[Annotated[str, Field(pattern=NAME_PATTERN, max_length=249)], ...],
        Field(strict=False, description="Names of topics.", examples=[["payments.scores"]]),
    ] = ()
    pattern: Annotated[
        str | None,
        Field(
            description="Regular expression for the names of topics.",
            examples=[r"^seldon\.prod\.model\..+"],
        ),
    ] = None

    http: Annotated[
        bool,
        Field(
            description="CloudEvents that are sent to `http_intake`, in place of topics.",
            examples=[True],
        ),
    ] = False

    @model_validator(mode="after")
    def _some(self) -> Self:
        if bool(self.topics) + (self.pattern is not None) + self.http != 1:
            refuse(((), "expected either topics, pattern or http"))
        refuse_bad_pattern("pattern", self.pattern)
        return self

    def matches(self, topic: str) -> bool:
        """Whether a topic is read."""
        if self.http:
            return False
        if self.pattern is not None:
            return re.search(self.pattern, topic) is not None
        return topic in self.topics


class Intake(Section):
    """Topics of another system, and the native events that their records become.

    A `preset` gives the keys that are not given here; `map` is merged field by field.
    """

    source: Annotated[
        Source,
        Field(
            validation_alias=AliasChoices("from", "source"),
            serialization_alias="from",
            description="The topics to read, written as `from`.",
            examples=[{"topics": ["payments.scores"]}],
        ),
    ]
    preset: Annotated[
        Preset | None,
        Field(description="Settings for the records of a known system.", examples=["kserve"]),
    ] = None
    begin: Annotated[
        Literal["earliest", "latest"],
        Field(
            description="Where to begin a topic that the group has not read yet: with its first"
            " record, or with those that come from now on.",
            examples=["latest"],
        ),
    ] = "earliest"
    format: Annotated[
        Format,
        Field(
            description="json: also in Connect's envelope, Arrow by its content type, and with"
            " `registry` whatever the schema that a record names is; avro, protobuf: such records"
            " only; json_schema: JSON with or without a schema id, which is not looked up;"
            " cloudevents: structured or binary; oip-proto: protobuf of the Open Inference"
            " Protocol; arrow: rows of Arrow's IPC format, whatever the content type.",
            examples=["cloudevents"],
        ),
    ] = "json"
    rules: Annotated[
        tuple[Rule, ...],
        Field(
            strict=False,
            description="What records become; the first rule whose `when` holds counts, and records"
            " for which none holds are skipped.",
            examples=[[{"to": "predictions", "map": {"prediction": "score"}}]],
        ),
    ] = ()
    to: Annotated[
        Target | None,
        Field(description="Short for the `to` of a single rule.", examples=["predictions"]),
    ] = None
    map: Annotated[
        Mapping | None,
        Field(
            description="Short for the `map` of a single rule; with a preset, fields of all its"
            " rules.",
            examples=[{"prediction": "score"}],
        ),
    ] = None
    skip: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(strict=False)]],
        Field(
            default_factory=dict,
            description="Path → values: records with one of them there are skipped.",
            examples=[{"op": ["d"]}],
        ),
    ]
    keep: Annotated[
        dict[str, Annotated[tuple[str, ...], Field(strict=False)]],
        Field(
            default_factory=dict,
            description="Path → values: records with another one there are skipped.",
            examples=[{"status_code": ["200"]}],
        ),
    ]
    columns: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            description="Names of values that come without names, in their order.",
            examples=[["age", "income"]],
        ),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, value: object) -> object:
        """Merge the preset, and the short form of a single rule: `to` and `map` of the entry."""
        if not isinstance(value, dict):
            return value
        given = dict(value)
        preset = given.get("preset")
        base = preset_settings(preset) if preset in _PRESETS else {}
        own_map, own_to = given.pop("map", None), given.pop("to", None)
        if preset is not None and preset not in _PRESETS:
            refuse((("preset",), suggest(str(preset), _PRESETS)))
        merged = base | given
        rules = [dict(rule) for rule in merged.get("rules", [])]
        if not rules and (own_map is not None or own_to is not None):
            rules = [{"to": own_to or "predictions"}]
        for rule in rules:
            if own_to is not None and len(rules) == 1:
                rule["to"] = own_to
            if isinstance(own_map, dict):
                rule["map"] = _with_own(dict(rule.get("map", {})), own_map, alone=len(rules) == 1)
        return merged | {"rules": rules}

    @model_validator(mode="after")
    def _some_rule(self) -> Self:
        if not self.rules:
            refuse((("rules",), "expected `preset`, `rules`, or `to` and `map`"))
        if self.source.http and self.format != "cloudevents":
            refuse((("format",), "expected cloudevents, which is what `from: {http: true}` maps"))
        for place, rule in enumerate(self.rules):
            fields = rule.map
            if self.source.http and fields.event_id is None:
                refuse((("rules", place, "map", "event_id"), "is required for events by HTTP"))
            needed = {
                "predictions": fields.prediction,
                "features": fields.features,
                "labels": fields.label,
            }[rule.to]
            if needed is None:
                name = {"predictions": "prediction", "labels": "label"}.get(rule.to, rule.to)
                refuse((("rules", place, "map", name), f"is required for {rule.to}"))
            if rule.to == "labels" and fields.event_id is None:
                refuse((("rules", place, "map", "event_id"), "is required for labels"))
        return self


def _with_own(of_preset: dict[str, Any], own: dict[str, Any], *, alone: bool) -> dict[str, Any]:
    """Return the map of a rule; one of several takes only values that its events have."""
    return of_preset | {
        name: value
        for name, value in own.items()
        if alone or name not in _OF_SOME or name in of_preset
    }


@cache
def preset_settings(name: str) -> dict[str, Any]:
    """Return the settings of a preset: the file of that name in the package."""
    text = (
        resources.files("streamproc.config").joinpath("presets", f"{name}.yaml").read_text("utf-8")
    )
    found: dict[str, Any] = yaml.safe_load(text)
    return found

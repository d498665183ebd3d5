"""Where the fields of native events come from, in the records of other systems."""

import re
from typing import Annotated, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from streamproc.config.topics import zone_of
from streamproc.schemas.section import Section, refuse

Path = Annotated[str, Field(min_length=1, max_length=1000)]
"""Dotted path into a record's value; list items by number. "." is all of it."""
Several = Annotated[tuple[Path, ...], Field(strict=False, min_length=1)]
Paths = Path | Several


class _Short(Section):
    """A section that may be written as a path alone."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core_schema)
        section = handler.resolve_ref_schema(found)
        full = dict(section)
        section.clear()
        text = {"type": "string"}
        section["anyOf"] = [text, {"type": "array", "items": text}, full]
        return found


class Spec(_Short):
    """Where a field comes from; exactly one of its keys."""

    path: Annotated[
        Paths | None,
        Field(
            description="Path into the value, or several: the first that is there counts.",
            examples=["payload.score"],
        ),
    ] = None
    header: Annotated[
        str | None, Field(description="Name of a record header.", examples=["mlserver-model"])
    ] = None
    ce: Annotated[
        str | None,
        Field(description="Attribute of a CloudEvent.", examples=["inferenceservicename"]),
    ] = None
    key: Annotated[
        str | None,
        Field(
            description="Regular expression for the record key; its first group, or all of it.",
            examples=[".*"],
        ),
    ] = None
    topic: Annotated[
        str | None,
        Field(
            description="Regular expression for the topic's name; its first group, or all of it.",
            examples=[r"^scores\.(.+)$"],
        ),
    ] = None
    const: Annotated[str | None, Field(description="A text.", examples=["fraud"])] = None
    zone: Annotated[
        str | None,
        Field(
            description="Time zone of a time without one. null: `topics.zone`.",
            examples=["Europe/Berlin"],
        ),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.path, self.header, self.ce, self.key, self.topic, self.const]
        if sum(each is not None for each in given) != 1:
            refuse(((), "expected exactly one of path, header, ce, key, topic and const"))
        for name in ("key", "topic"):
            refuse_bad_pattern(name, getattr(self, name))
        if self.zone is not None:
            try:
                zone_of(self.zone)
            except ValueError as error:
                refuse((("zone",), str(error)))
        return self


def refuse_bad_pattern(name: str, pattern: str | None) -> None:
    """Fail the validation of a section whose key is not a regular expression."""
    try:
        re.compile(pattern or "")
    except re.error as error:
        refuse(((name,), f"is not a regular expression: {error}"))


class Rows(_Short):
    """Values of one or several events; exactly one of its keys, besides `text`."""

    path: Annotated[
        Paths | None,
        Field(description="One value, of one event.", examples=["score"]),
    ] = None
    rows: Annotated[
        Paths | None,
        Field(
            description="A list with an item for each event: objects, or lists in the order of"
            " `columns`.",
            examples=["instances"],
        ),
    ] = None
    tensors: Annotated[
        Path | None,
        Field(description="Tensors of the Open Inference Protocol v2.", examples=["inputs"]),
    ] = None
    frame: Annotated[
        Path | None,
        Field(
            description="A request or response of MLflow: dataframe_records, dataframe_split,"
            " instances, inputs or predictions.",
            examples=["request"],
        ),
    ] = None
    csv: Annotated[
        Path | None,
        Field(
            description="Lines of comma-separated values in the order of `columns`, or an object of"
            " SageMaker's data capture: CSV, JSON or JSON lines, also in BASE64.",
            examples=["captureData.endpointInput"],
        ),
    ] = None
    omit: Annotated[
        Annotated[tuple[str, ...], Field(strict=False)] | None,
        Field(
            description="All fields of the value but these, and but those that other fields are"
            " taken from.",
            examples=[["trace_id"]],
        ),
    ] = None
    inside: Annotated[
        Path | None,
        Field(
            description="Where the fields of `omit` are. null: in the value.", examples=["after"]
        ),
    ] = None
    only: Annotated[
        Several | None,
        Field(description="These paths.", examples=[["age", "income"]]),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str | list | tuple) else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.path, self.rows, self.tensors, self.frame, self.csv, self.omit, self.only]
        if sum(each is not None for each in given) != 1:
            refuse(((), "expected exactly one of path, rows, tensors, frame, csv, omit and only"))
        return self


class Mapping(Section):
    """Where the fields of native events come from."""

    model_id: Annotated[
        Spec | None,
        Field(description="The model. null: the topic's name.", examples=[{"const": "fraud"}]),
    ] = None
    event_id: Annotated[
        Spec | None,
        Field(
            description="The event; of several in a record, `_0`, `_1`, … are appended. null, or"
            " missing: topic, partition and offset of the record.",
            examples=["request_id"],
        ),
    ] = None
    ts: Annotated[
        Spec | None,
        Field(description="Event time. null: the record's timestamp.", examples=["timestamp"]),
    ] = None
    model_version: Annotated[
        Spec | None, Field(description="Version of the model.", examples=["version"])
    ] = None
    tags: Annotated[
        dict[str, Spec],
        Field(
            default_factory=dict,
            description="Tag → where it comes from.",
            examples=[{"region": "geo.region"}],
        ),
    ]
    features: Annotated[
        Rows | None, Field(description="The features.", examples=[{"omit": ["trace_id"]}])
    ] = None
    prediction: Annotated[Rows | None, Field(description="The prediction.", examples=["score"])] = (
        None
    )
    label: Annotated[
        Spec | None,
        Field(
            description="The label. For labels a record without one is skipped; for predictions and"
            " features one that has it is a label, too.",
            examples=["after.is_fraud"],
        ),
    ] = None

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Where the fields that are single values come from, the prediction aside."""
        own = (self.model_id, self.event_id, self.ts, self.model_version, self.label)
        return tuple(spec for spec in (*own, *self.tags.values()) if spec is not None)

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from streamproc.config.config import Config, Http, Limits, Policy, Topics
from streamproc.config.json_schema import DIALECT, config_schema, events_schema
from streamproc.config.model import ModelConfig, Watch
from streamproc.config.security import Sasl, Security
from streamproc.detectors import registry
from streamproc.schemas.alerts import AlertEvent, ChangePoint, Contributor, Summary
from streamproc.schemas.base import Source
from streamproc.schemas.deployments import Deployment, VersionSighting
from streamproc.schemas.events import FeatureEvent, LabelEvent, PredictionEvent
from streamproc.schemas.incident_commands import PAYLOADS
from streamproc.schemas.incidents import (
    Acknowledgement,
    Cause,
    ChangedSeries,
    IncidentState,
    Member,
    OnsetInterval,
    TimelineEntry,
)
from streamproc.schemas.notification_groups import (
    GroupedIncident,
    Notice,
    NotificationGroup,
    ShownIncident,
)
from streamproc.schemas.silences import Matchers, Silence

EVENTS = [PredictionEvent, FeatureEvent, LabelEvent, AlertEvent, Summary, ChangePoint, Contributor]
INCIDENTS = [
    *(IncidentState, Member, ChangedSeries, Cause, OnsetInterval, Acknowledgement, TimelineEntry),
    *(Silence, Matchers, *PAYLOADS.values()),
    *(NotificationGroup, GroupedIncident, ShownIncident, Notice),
    *(Deployment, VersionSighting),
]
SECTIONS = [Config, Topics, Security, Sasl, ModelConfig, Watch, Policy, Limits, Http]


def fields(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field of every model in a schema, by a name for the message."""
    models = {"": schema, **schema["$defs"]}
    return {
        f"{name}.{key}": field
        for name, model in models.items()
        for key, field in model.get("properties", {}).items()
    }


@pytest.mark.parametrize("schema", [config_schema(), events_schema()])
def test_every_field_has_a_meaning_and_an_example(schema: dict[str, Any]) -> None:
    """A schema is enough to write against."""
    wanting = [
        name
        for name, field in fields(schema).items()
        if not (field.get("description") and field.get("examples"))
    ]
    assert wanting == []
    assert len(fields(schema)) > 30


@pytest.mark.parametrize("model", [*EVENTS, *INCIDENTS, *SECTIONS, Source])
def test_every_example_is_valid(model: type[BaseModel]) -> None:
    """What the docs show is taken by the code."""
    for name, info in model.model_fields.items():
        kind = TypeAdapter(info.rebuild_annotation(), config=None)
        for example in info.examples or ():
            assert kind.validate_python(example) is not None, name


@pytest.mark.parametrize("schema", [config_schema, events_schema])
def test_a_schema_is_json_of_the_2020_12_dialect(schema: Any) -> None:
    """It can be printed, and it is the same each time."""
    assert schema()["$schema"] == DIALECT
    assert json.dumps(schema(), allow_nan=False) == json.dumps(schema(), allow_nan=False)


def test_every_reference_has_its_definition() -> None:
    """No validator stumbles over a name that is not there."""
    for schema in (config_schema(), events_schema()):
        for part in json.dumps(schema).split('"#/$defs/')[1:]:
            assert part.split('"')[0] in schema["$defs"]


def test_the_events_schema_has_what_the_contract_names() -> None:
    """Required fields are the contract's; an alert has all of its fields."""
    models = events_schema()["$defs"]
    assert models["PredictionEvent"]["required"] == ["model_id", "prediction"]
    assert models["FeatureEvent"]["required"] == ["model_id", "features"]
    assert models["LabelEvent"]["required"] == ["model_id", "event_id", "label"]
    assert models["AlertEvent"]["required"] == list(AlertEvent.model_fields)
    assert "source" not in models["PredictionEvent"]["properties"]


def test_sections_are_closed_and_events_open() -> None:
    """Editors underline an unknown key; producers may add fields."""
    assert config_schema()["additionalProperties"] is False
    assert config_schema()["$defs"]["Topics"]["additionalProperties"] is False
    assert "additionalProperties" not in events_schema()["$defs"]["FeatureEvent"]


def test_a_detectors_schema_is_what_one_writes() -> None:
    """A name, or a mapping with one name as its key."""
    name, mapping = config_schema()["$defs"]["DetectorSpec"]["anyOf"]
    assert name["enum"] == list(mapping["properties"]) == sorted(registry.names())
    assert mapping["maxProperties"] == 1

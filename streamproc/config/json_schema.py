"""The contract as JSON Schema, made from the models."""

from typing import Any, Final

from pydantic import AliasChoices
from pydantic.json_schema import models_json_schema

from streamproc.config.baseline import KEY
from streamproc.config.config import (
    Config,
    Http,
    Labels,
    Limits,
    Policy,
    Snapshots,
    Topics,
    Webhook,
)
from streamproc.config.online import Online
from streamproc.config.sinks import SECTIONS
from streamproc.config.topics import DASHED
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.deployments import Deployment
from streamproc.schemas.events import FeatureEvent, LabelEvent, PredictionEvent
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction
from streamproc.schemas.notification_groups import GroupedIncident, NotificationGroup
from streamproc.schemas.outcomes import OutcomeEvent
from streamproc.schemas.section import Section
from streamproc.schemas.silences import Silence

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_INCOMING: Final = (PredictionEvent, FeatureEvent, LabelEvent)
_OUTGOING: Final = (
    *(
        AlertEvent,
        IncidentState,
        Silence,
        NotificationGroup,
        GroupedIncident,
        Deployment,
        OutcomeEvent,
        OnlinePrediction,
        ModelUpdate,
    ),
)


def config_schema() -> dict[str, Any]:
    """Describe the configuration file.

    Returns
    -------
    dict
        JSON Schema 2020-12, with description and examples of every key.

    Examples
    --------
    >>> config_schema()["properties"]["group"]["default"]
    'streamproc'
    """
    schema = Config.model_json_schema(mode="validation")
    for section in (Topics, Policy, Limits, Labels, Snapshots, Http):
        _show_defaults(schema["$defs"][section.__name__], section())
    _show_defaults(
        schema["$defs"]["Online"], Online.model_validate({"model": "naive_bayes.GaussianNB"})
    )
    # Not validated: its target is required.
    _show_defaults(schema["$defs"]["Webhook"], Webhook.model_construct(name="", allow=()))
    for sink in SECTIONS.values():
        _show_defaults(schema["$defs"][sink.__name__], sink.model_construct(name="", allow=()))
    topics = schema["$defs"]["Topics"]["properties"]
    for kind, dashed in DASHED.items():
        topics[dashed] = {**topics[kind], "description": f"Same as `{kind}`."}
    for owner in ("ModelConfig", "Online"):
        properties = schema["$defs"][owner]["properties"]
        _, earlier = KEY.choices
        properties[earlier] = {**properties["baseline"], "description": "Same as `baseline`."}
    return {"$schema": DIALECT, **_without_rst(schema)}


def events_schema() -> dict[str, Any]:
    """Describe what is on the topics: the events that come in, and what goes out.

    Returns
    -------
    dict
        JSON Schema 2020-12. A value that it accepts is one of the events; each has its own
        schema under ``$defs``, by its name in the contract.

    Examples
    --------
    >>> events_schema()["$defs"]["LabelEvent"]["required"]
    ['model_id', 'event_id', 'label']
    """
    return {
        "$schema": DIALECT,
        "title": "Events of streamproc",
        "description": "What comes in is read with `strict: true` if and only if it fits; without"
        " it, more is (docs/intake.md). Numbers are doubles.",
        "anyOf": [{"$ref": f"#/$defs/{model.__name__}"} for model in (*_INCOMING, *_OUTGOING)],
        "$defs": event_definitions("#/$defs/{model}"),
    }


def event_definitions(ref_template: str) -> dict[str, Any]:
    """Describe each event and its parts, by name; `ref_template` is where they refer to."""
    _, schema = models_json_schema(
        [
            *((event, "validation") for event in _INCOMING),
            *((event, "serialization") for event in _OUTGOING),
        ],
        ref_template=ref_template,
    )
    definitions: dict[str, Any] = _without_rst(schema)["$defs"]
    return definitions


def _show_defaults(schema: dict[str, Any], section: Section) -> None:
    """Write defaults as one would in YAML: 10m and 4MiB, where pydantic has PT10M and 4194304."""
    for key, default in section.model_dump(mode="json").items():
        if key not in schema.get("required", ()):
            alias = type(section).model_fields[key].validation_alias
            name = str(alias.choices[0]) if isinstance(alias, AliasChoices) else key
            schema["properties"][name]["default"] = default


def _without_rst(schema: dict[str, Any]) -> dict[str, Any]:
    """Keep of each docstring its first paragraph: the sections are for readers of the code."""
    for model in (schema, *schema.get("$defs", {}).values()):
        if "description" in model:
            model["description"] = model["description"].split("\n\n")[0].replace("\n", " ")
    return schema

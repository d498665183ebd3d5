"""Describe all topics as an AsyncAPI document."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from streamproc.cli.asyncapi_messages import MESSAGES, messages, schemas
from streamproc.config.config import Config, TopicKind, Topics
from streamproc.config.security import Mechanism
from streamproc.kafka.topics import partition_count, topic_settings

VERSION: Final = "3.0.0"
_BINDING: Final = "0.5.0"
_CONTRACT: Final = "1.0.0"  # of events: what `schema_version` counts
_NUMBERS: Final = ("retention.ms", "segment.bytes")  # of the settings, which are all texts

_SASL: Final[dict[Mechanism, str]] = {
    "PLAIN": "plain",
    "SCRAM-SHA-256": "scramSha256",
    "SCRAM-SHA-512": "scramSha512",
}


class _Use(NamedTuple):
    """What a worker does with a topic."""

    action: str
    summary: str
    in_group: bool = False  # whether members of the consumer group share its partitions


_USES: Final[dict[TopicKind, _Use]] = {
    "predictions": _Use("receive", "Watch predictions and their features.", in_group=True),
    "features": _Use("receive", "Watch features and business metrics.", in_group=True),
    "labels": _Use("receive", "Join labels with their events."),
    "outcomes": _Use("send", "Publish events joined with their labels."),
    "alerts": _Use("send", "Publish alerts."),
    "model_updates": _Use("send", "Publish each step of the online models."),
    "online_predictions": _Use("send", "Publish what online models answer."),
    "control": _Use("receive", "Obey signed commands."),
    "dead_letters": _Use("send", "Publish what could not be read, as it came."),
    "incidents": _Use("send", "Publish incidents across models, and silences."),
}
"""Topics of the contract; `snapshots` and `incident_log` are for workers alone."""


def asyncapi_document(config: Config) -> dict[str, Any]:
    """Describe the topics: names, messages with their schemas and headers, broker and login.

    Parameters
    ----------
    config
        Names of the topics, the broker, and how clients log in. Secrets are not read.

    Returns
    -------
    dict
        An AsyncAPI 3.0 document. Its schemas are JSON Schema of draft 07, which AsyncAPI extends.

    References
    ----------
    AsyncAPI Specification 3.0.0, and its Kafka bindings 0.5.0.

    Examples
    --------
    >>> asyncapi_document(Config())["channels"]["dead_letters"]["address"]
    'dead-letters'
    """
    kinds = [kind for kind in config.kinds if kind in _USES]
    security = _security(config)
    components = {"messages": messages(kinds), "schemas": schemas()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "streamproc",
            "version": _CONTRACT,
            "description": "Events of models, and what streamproc makes of them. Operations are"
            " those of a worker: what it receives is for producers to send. The schemas of events"
            " are what `strict: true` accepts; without it, docs/intake.md lists what else is read.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": dict(_servers(config, [*security])),
        "channels": {kind: _channel(config, kind) for kind in kinds},
        "operations": dict(_operation(config, kind) for kind in kinds),
        "components": components | ({"securitySchemes": security} if security else {}),
    }


def _security(config: Config) -> dict[str, Any]:
    """Describe how clients prove who they are."""
    security, schemes = config.security, {}
    if security.sasl is not None:
        kind = _SASL[security.sasl.mechanism]
        schemes["sasl"] = {"type": kind, "description": f"SASL {security.sasl.mechanism}."}
    if security.cert_file is not None:
        schemes["certificate"] = {"type": "X509", "description": "TLS with a client certificate."}
    return schemes


def _servers(config: Config, schemes: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, host in enumerate(config.bootstrap_servers, start=1):
        server: dict[str, Any] = {
            "host": host,
            "protocol": "kafka-secure" if config.security.uses_tls else "kafka",
            "description": "A bootstrap server of the cluster.",
        }
        if schemes:
            server["security"] = [
                {"$ref": f"#/components/securitySchemes/{name}"} for name in schemes
            ]
        yield f"kafka-{number}", server


def _channel(config: Config, kind: TopicKind) -> dict[str, Any]:
    named = [message.name for message in MESSAGES[kind]]
    return {
        "address": config.topics.full_name(kind),
        "description": Topics.model_fields[kind].description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in named},
        "bindings": {"kafka": _topic_binding(config, kind)},
    }


def _topic_binding(config: Config, kind: TopicKind) -> dict[str, Any]:
    """Describe how a missing topic is created."""
    binding: dict[str, Any] = {"partitions": partition_count(config, kind)}
    if config.topics.replication is not None:
        binding["replicas"] = config.topics.replication
    settings: dict[str, Any] = {**topic_settings(config, kind)}
    for name in settings.keys() & _NUMBERS:
        settings[name] = int(settings[name])
    if "cleanup.policy" in settings:
        settings["cleanup.policy"] = [settings["cleanup.policy"]]
    if settings:
        binding["topicConfiguration"] = dict(sorted(settings.items()))
    return {**binding, "bindingVersion": _BINDING}


def _operation(config: Config, kind: TopicKind) -> tuple[str, dict[str, Any]]:
    use = _USES[kind]
    operation: dict[str, Any] = {
        "action": use.action,
        "channel": {"$ref": f"#/channels/{kind}"},
        "summary": use.summary,
    }
    if use.in_group:
        group = {"type": "string", "const": config.group}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING}}
    return f"{use.action}_{kind}", operation

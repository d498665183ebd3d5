"""The AsyncAPI document, checked with the JSON Schema that AsyncAPI publishes.

tests/schemas/published/asyncapi-3.0.0.json.gz is `schemas/3.0.0.json` of the npm package
`@asyncapi/specs` 6.11.1, unchanged (Apache-2.0, copyright 2016-2025 AsyncAPI Initiative).
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from streamproc.cli.asyncapi import asyncapi_document
from streamproc.cli.asyncapi_messages import MESSAGES
from streamproc.config.config import KINDS, Config
from streamproc.config.load import load

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "tests" / "schemas" / "published" / "asyncapi-3.0.0.json.gz"
CONTROL = {"secret_env": "STREAMPROC_CONTROL_SECRET"}
PRODUCTION = {
    "broker": "kafka://one:9093,two:9093",
    "group": "risk",
    "control": CONTROL,
    "topics": {"prefix": "prod.", "replication": 3, "retention": "7d", "partitions": 12},
    "security": {
        "protocol": "SASL_SSL",
        "cert_file": "client.pem",
        "sasl": {"mechanism": "SCRAM-SHA-512", "username": "u", "password_env": "KAFKA_PASSWORD"},
    },
}


@pytest.fixture(scope="module")
def published() -> Draft7Validator:
    """Return what checks a document against the published schema."""
    return Draft7Validator(json.loads(gzip.decompress(PUBLISHED.read_bytes())))


@pytest.mark.parametrize("config", [{}, PRODUCTION])
def test_the_document_is_valid_asyncapi(config: dict[str, Any], published: Draft7Validator) -> None:
    """Tools that read AsyncAPI 3 read it, bindings and security included."""
    document = json.loads(json.dumps(asyncapi_document(load(config))))
    assert [error.json_path for error in published.iter_errors(document)] == []


def test_a_wrong_document_is_noticed(published: Draft7Validator) -> None:
    """The published schema checks channels, bindings and schemas, so the test above says so."""
    for path, value in (
        (("channels", "alerts", "bindings", "kafka", "partitions"), "4"),
        (("operations", "send_alerts", "action"), "publish"),
        (("components", "schemas", "AlertEvent", "type"), "record"),
        (("servers", "kafka-1", "protocol"), None),
    ):
        document: Any = json.loads(json.dumps(asyncapi_document(Config())))
        at = document
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = value
        assert list(published.iter_errors(document)), path


def test_every_public_topic_is_there() -> None:
    """Each topic but the two that are for workers alone has a channel, and one operation."""
    document = asyncapi_document(load({"control": CONTROL}))
    public = set(KINDS) - {"snapshots", "incident_log"}
    assert set(document["channels"]) == set(MESSAGES) == public
    channels = [each["channel"]["$ref"] for each in document["operations"].values()]
    assert sorted(channels) == sorted(f"#/channels/{kind}" for kind in public)


def test_without_control_there_is_no_topic_of_commands() -> None:
    """What a configuration does not use is not described."""
    document = asyncapi_document(Config())
    assert "control" not in document["channels"]
    assert "Command" not in document["components"]["messages"]


def test_every_reference_leads_somewhere() -> None:
    """No tool stumbles over a name that is not there."""
    document = json.loads(json.dumps(asyncapi_document(load(PRODUCTION))))
    text = json.dumps(document)
    for part in text.split('"$ref": "#/')[1:]:
        at = document
        for name in part.split('"')[0].split("/"):
            at = at[name]
        assert at


def test_broker_names_and_login_are_those_of_the_config() -> None:
    """Addresses, encryption, login, prefix and settings of new topics come from the config."""
    document = asyncapi_document(load(PRODUCTION))
    assert document["servers"]["kafka-2"] == {
        "host": "two:9093",
        "protocol": "kafka-secure",
        "description": "A bootstrap server of the cluster.",
        "security": [
            {"$ref": "#/components/securitySchemes/sasl"},
            {"$ref": "#/components/securitySchemes/certificate"},
        ],
    }
    assert document["components"]["securitySchemes"]["sasl"]["type"] == "scramSha512"
    channel = document["channels"]["dead_letters"]
    assert channel["address"] == "prod.dead-letters"
    assert channel["bindings"]["kafka"] == {
        "partitions": 12,
        "replicas": 3,
        "topicConfiguration": {"retention.ms": 7 * 86_400_000},
        "bindingVersion": "0.5.0",
    }
    group = document["operations"]["receive_predictions"]["bindings"]["kafka"]["groupId"]
    assert group["const"] == "risk"


def test_the_copy_in_the_docs_is_what_the_command_prints(run: Any) -> None:
    """docs/asyncapi.yaml is `streamproc schema asyncapi` without a config."""
    result = run("schema", "asyncapi")
    assert result.exit_code == 0
    assert (ROOT / "docs" / "asyncapi.yaml").read_text() == result.stdout
    assert yaml.safe_load(result.stdout) == json.loads(json.dumps(asyncapi_document(Config())))


def test_the_command_takes_a_config_and_a_broker(run: Any, tmp_path: Path) -> None:
    """--config names the topics, and --broker the cluster."""
    file = tmp_path / "a.yaml"
    file.write_text("topics: {prefix: prod.}\n")
    result = run("schema", "asyncapi", "--config", file, "--broker", "kafka://other:1")
    document = yaml.safe_load(result.stdout)
    assert document["channels"]["alerts"]["address"] == "prod.alerts"
    assert document["servers"]["kafka-1"]["host"] == "other:1"

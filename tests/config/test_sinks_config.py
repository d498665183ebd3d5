"""Validate the sections of sinks."""

from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.errors import ConfigError

PAGER = {"name": "pager", "kind": "pagerduty", "routing_key_env": "KEY"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "pagerdutty"}, "sinks[0].kind: unknown kind; did you mean `pagerduty`?"),
        ({"kind": None}, "sinks[0].kind: unknown kind"),
        ({"routing_key": "T0KEN"}, "sinks[0].routing_key: unknown key; did you mean"),
        ({"routing_key_env": None}, "sinks[0].routing_key_env: expected this or"),
        ({"routing_key_file": "f"}, "sinks[0].routing_key_env: expected this or"),
        ({"severity": "warnin"}, "sinks[0].severity: expected 'info', 'warning' or 'critical'"),
        ({"statuses": ["pending"]}, "sinks[0].statuses: expected statuses of incidents"),
    ],
)
def test_a_mistake_names_its_field(fields: dict[str, Any], message: str) -> None:
    """Each mistake is an error at the field as it is written, and repeats no secret."""
    with pytest.raises(ConfigError) as caught:
        load({"sinks": [PAGER | fields]})
    assert message in str(caught.value)
    assert "T0KEN" not in str(caught.value)


def test_a_sink_needs_a_kind() -> None:
    """A sink without a kind is an error that lists the kinds."""
    with pytest.raises(ConfigError, match=r"sinks\[0\]\.kind: is required: one of .*pagerduty"):
        load({"sinks": [{"name": "pager"}]})


def test_names_are_used_once() -> None:
    """Two sinks of one name would share a consumer group, and each miss half of the alerts."""
    hook = {"name": "pager", "url": "https://a.example.org", "allow": ["a.example.org"]}
    with pytest.raises(ConfigError, match=r"sinks\[0\]\.name: is the name of a webhook already"):
        load({"webhooks": [hook], "sinks": [PAGER]})
    with pytest.raises(ConfigError, match=r"sinks\[1\]\.name: is the name of entry 0 already"):
        load({"sinks": [PAGER, PAGER]})


def test_a_written_configuration_reads_back() -> None:
    """A process that is given the configuration as JSON has the same sinks."""
    config = load({"sinks": [PAGER, {"name": "am", "kind": "alertmanager", "url": "https://a"}]})
    assert Config.model_validate_json(config.model_dump_json()).sinks == config.sinks

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.webhook import Webhook
from streamproc.errors import ConfigError

ROOT = Path(__file__).parents[2]

URL = "https://hooks.example.org/T0KEN"


def hooks(*given: dict[str, Any]) -> tuple[Webhook, ...]:
    """Load a configuration with these webhooks."""
    base = {"name": "pager", "url": URL, "allow": ["hooks.example.org"]}
    return load({"webhooks": [base | each for each in given]}).webhooks


def test_a_webhook_gets_every_alert_by_default() -> None:
    """Name, URL and host are enough; nothing is sent where nothing is configured."""
    assert load().webhooks == ()
    [hook] = hooks({})
    assert (hook.models, hook.severity) == (("*",), "info")
    assert hook.statuses == ("firing", "updated", "settled", "resolved")
    assert hook.give_up_after == timedelta(hours=1)


def test_a_written_configuration_reads_back() -> None:
    """A process that is given the configuration as JSON has the same webhooks."""
    config = load(ROOT / "configs" / "webhooks.yaml")
    assert Config.model_validate_json(config.model_dump_json()).webhooks == config.webhooks


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"url": None}, "webhooks[0].url: expected this, `url_env` or `url_file`, just one"),
        ({"url_env": "A"}, "webhooks[0].url: expected this, `url_env` or `url_file`, just one"),
        ({"url": None, "url_env": URL}, "webhooks[0].url_env: expected the name of an environment"),
        ({"name": "a b"}, "webhooks[0].name: expected letters, digits, dots"),
        ({"allow": []}, "webhooks[0].allow: expected at least one"),
        ({"allow": [URL]}, "webhooks[0].allow[0]: expected a host in lower case"),
        ({"allow": ["Hooks.example.org"]}, "webhooks[0].allow[0]: expected a host in lower case"),
        ({"networks": ["10.2.0.1/16"]}, "webhooks[0].networks[0]: expected the addresses of a"),
        (
            {"secret_env": "A", "secret_file": "b"},
            "webhooks[0].secret_env: expected this or `secret_file`, just one",
        ),
        ({"secret": "T0KEN"}, "webhooks[0].secret: unknown key"),
        ({"models": []}, "webhooks[0].models: expected at least one"),
        ({"severity": "warnin"}, "webhooks[0].severity: expected 'info', 'warning' or 'critical'"),
        ({"statuses": ["fired"]}, "webhooks[0].statuses[0]: expected 'pending', 'firing'"),
        ({"statuses": []}, "webhooks[0].statuses: expected at least one"),
        ({"timeout": "0s"}, "webhooks[0].timeout: expected more than 0s, and 1m at most"),
        ({"timeout": "2m"}, "webhooks[0].timeout: expected more than 0s, and 1m at most"),
        ({"give_up_after": "10ms"}, "webhooks[0].give_up_after: expected 1s or more"),
        ({"max_bytes": "0B"}, "webhooks[0].max_bytes: expected"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    """Each mistake is an error that names its field and repeats no secret."""
    with pytest.raises(ConfigError) as caught:
        hooks(fields)
    assert message in str(caught.value)
    assert "T0KEN" not in str(caught.value)


def test_two_webhooks_need_two_names() -> None:
    """Webhooks of one name would share one place in the alerts."""
    with pytest.raises(ConfigError, match=r"webhooks\[1\]\.name: is the name of entry 0 already"):
        hooks({}, {})

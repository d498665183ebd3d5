"""The pagers of the README and of configs/webhooks.yaml hear of a drift."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sinks.strict import deliver, strict_receiver
from sinks.test_pagerduty import EVENTS, KEY, check

from streamproc import Monitor
from streamproc.cli.check_routes import who_hears
from streamproc.config.load import load
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.targets import target_named

ROOT = Path(__file__).parents[2]


def readme_example() -> dict[str, Any]:
    """Return the README's example of sinks."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    [found] = [block for block in blocks if "name: pager" in block]
    loaded: dict[str, Any] = yaml.safe_load(found)
    return loaded


def drift_alerts() -> list[AlertEvent]:
    """Return what the pipeline says of a model whose amount rises, with the defaults."""
    draw = np.random.default_rng(3)
    events = [
        {
            "model_id": "fraud",
            "ts": 1.7e9 + index,
            "features": {"amount": draw.normal(100.0 if index < 1000 else 160.0, 9.0)},
        }
        for index in range(1500)
    ]
    return list(Monitor().process(events))


@pytest.mark.parametrize("example", ["README.md", "configs/webhooks.yaml"])
async def test_the_pager_of_an_example_hears_of_a_drift(
    example: str, loopback_certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted drift triggers an incident at PagerDuty, with the example as it is."""
    given = (
        readme_example() if example == "README.md" else yaml.safe_load((ROOT / example).read_text())
    )
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)
    async with strict_receiver(loopback_certificate, check) as pagerduty:
        [pager] = [sink for sink in given["sinks"] if sink["name"] == "pager"]
        pager |= {"url": f"{pagerduty.url}{EVENTS}", "networks": ["127.0.0.0/8"]}
        pager |= {"ca_file": str(pagerduty.ca_file)}
        target = target_named(load(given), "pager")
        await deliver(target, *drift_alerts())
    assert pagerduty.refused == []
    first = pagerduty.accepted[0].body
    assert first["event_action"] == "trigger"
    assert first["payload"]["component"] == "feature:amount"
    assert first["payload"]["source"] == "fraud"


@pytest.mark.parametrize("file", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda f: f.name)
def test_no_example_has_alerts_that_nobody_hears(file: Path) -> None:
    """`check` says of no example that nobody hears of a model."""
    if not {"sinks", "webhooks"} & set(next(yaml.safe_load_all(file.read_text())) or ()):
        return
    assert not [line for line in who_hears(load(file)) if "nobody" in line]

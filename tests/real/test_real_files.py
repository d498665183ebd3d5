"""Real recordings, through everything that a user would put them through."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest
import yaml
from broker_topics import records
from worker.running import MAIN, read_alerts, settings, total, watch_all
from worker.scenarios import expected, payloads

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ROWS = {"insects_gradual_balanced.csv.gz": 24_150, "elec2_norm.csv.gz": 45_312}


@pytest.mark.parametrize("name", ROWS)
async def test_a_real_file(name: str, embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Every row is watched, and the alerts are those that `Monitor` gives for the same rows."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not beside the checkout")
    said = settings(embedded_broker.bootstrap)
    config = load(said)
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(said))
    command = ["publish", str(DATA / name), "--model", "real", "--config", str(file)]
    publishing = await asyncio.create_subprocess_exec(sys.executable, "-c", MAIN, *command)
    assert await publishing.wait() == 0
    sent = await records(config, "features")
    assert len(sent) == ROWS[name]
    assert [msgspec.json.decode(each.value)["event_id"] for each in sent] == [
        str(row) for row in range(ROWS[name])
    ]
    metrics = await watch_all(config)
    dead = await records(config, "dead_letters")
    assert total(metrics, "events_total") + len(dead) == ROWS[name]
    assert not dead
    alerts = await read_alerts(config)
    assert alerts
    assert payloads(alerts) == expected(config, sent)

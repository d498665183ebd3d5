"""One detector is configured otherwise while no worker runs."""

from typing import Any

from broker_topics import records
from faults.matrix import Failed, Site
from faults.traffic import events, send, sent
from faults.verdicts import same
from worker.running import read_alerts
from worker.scenarios import payloads
from worker.snapshots.snapshots_running import live

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.monitor import Monitor

ORDER = 14
FAULT = "config change of one detector"
PASSES = "only the series that it concerns are reset; all others ≡G"
MODELS = 6
TOUCHED = "model-1", "feature:amount"


async def run(site: Site) -> str:
    """Change the detectors of one series of one model half-way."""
    content = site.content(topics={"partitions": 1})
    watch = [
        {"on": "feature:amount", "detectors": ["page_hinkley"]},
        {"on": "*", "detectors": ["adwin", "page_hinkley"]},
    ]
    before, after = load(content), load(content | {"models": [{"id": "model-1", "watch": watch}]})
    log = [sent(event) for event in events(site.draw.randrange(2**32), MODELS, 2400)]
    half = await send(before, log[: len(log) // 2])
    await live(before)
    await send(after, log[half:])
    await live(after)
    found = payloads(await read_alerts(before))
    stored = await records(before, "predictions")
    others = _of(before, stored, touched=False)
    same("alerts of other series", others, _chosen(found, touched=False))
    first = _of(before, stored[:half], touched=True)
    anew = _of(after, stored[half:], touched=True)
    same("alerts of the series that starts anew", first | anew, _chosen(found, touched=True))
    if not others or not first or not anew:
        raise Failed("too few alerts to show anything")
    return f"{len(others)} alerts of the others ≡G; {len(anew)} of the series that began anew"


def _of(config: Config, stored: list[Any], *, touched: bool) -> dict[str, Any]:
    monitor = Monitor(config)
    return _chosen(payloads(monitor.process_records(stored[0].topic, 0, stored)), touched=touched)


def _chosen(alerts: dict[str, Any], *, touched: bool) -> dict[str, Any]:
    return {
        name: each
        for name, each in alerts.items()
        if ((each["model_id"], each["series"]) == TOUCHED) is touched
    }
